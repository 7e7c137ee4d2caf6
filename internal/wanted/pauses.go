package wanted

import (
	"math/rand/v2"
	"time"
)

// Pauses are the pauses after failures. They double from Min to Max; each is random, between half of the value and the
// value. It is not safe for concurrent use.
type Pauses struct {
	Min, Max time.Duration
	failures map[string]failure
}

// failure is the last failure of a key.
type failure struct {
	version string
	pause   time.Duration
	until   time.Time
}

// Rests is true if the key must wait after a failure of that version.
func (p *Pauses) Rests(key, version string, now time.Time) bool {
	f, failed := p.failures[key]
	return failed && f.version == version && now.Before(f.until)
}

// Failed starts a pause. After a failure of another version the pause is that of a first failure.
func (p *Pauses) Failed(key, version string, now time.Time) {
	next := failure{version: version, pause: p.Min}
	if before := p.failures[key]; before.version == version && before.pause > 0 {
		next.pause = min(2*before.pause, p.Max)
	}
	next.until = now.Add(next.pause/2 + rand.N(next.pause/2+1))
	if p.failures == nil {
		p.failures = map[string]failure{}
	}
	p.failures[key] = next
}

// Succeeded ends the pauses of the key.
func (p *Pauses) Succeeded(key string) { delete(p.failures, key) }

// hasFailed is true if the last attempt of the key failed.
func (p *Pauses) hasFailed(key string) bool {
	_, failed := p.failures[key]
	return failed
}

// Forget drops failures that were not tried again for a long time.
func (p *Pauses) Forget(now time.Time) {
	for key, f := range p.failures {
		if now.Sub(f.until) > p.Max {
			delete(p.failures, key)
		}
	}
}
