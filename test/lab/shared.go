package lab

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"
)

// shared is the one cluster that the tests of a package have in common.
var shared struct {
	once sync.Once
	lab  *Lab
	err  error
}

// Shared gives the cluster that all tests of this process share; the first that asks starts it. A test
// keeps to a namespace of its own, since others run beside it. The package's TestMain must be Main.
func Shared(t *testing.T) *Lab {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute) // programs may have to be built
		defer cancel()
		shared.lab, shared.err = Start(ctx, Options{Out: os.Stderr})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.lab
}

// Main runs the tests and stops the shared cluster: func TestMain(m *testing.M) { lab.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	if shared.lab != nil {
		if code != 0 {
			shared.lab.Keep()
		}
		shared.lab.Stop()
	}
	os.Exit(code)
}
