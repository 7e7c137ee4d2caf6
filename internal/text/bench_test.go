package text

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkHide is an error of a trigger with secrets as long as it may have: a reading that fails costs that.
func BenchmarkHide(b *testing.B) {
	const said = "redis at redis.shop.svc:6379, key \"jobs\": the server answers ERR: it refuses the command, as for a databaseIndex that it does not have"
	for name, line := range map[string]int{"one line": 64 << 10, "lines": 64} {
		for kind, letters := range map[string]string{"plain": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "escaped": "abcdefghijklm+/=&$% "} {
			random := rand.New(rand.NewPCG(1, 2))
			secret := make([]byte, 64<<10)
			for i := range secret {
				secret[i] = letters[random.IntN(len(letters))]
				if i%line == line-1 {
					secret[i] = '\n'
				}
			}
			var s Secrets
			s.Add(string(secret))
			b.Run(name+", "+kind, func(b *testing.B) {
				for b.Loop() {
					s.Hide(said)
				}
			})
		}
	}
}
