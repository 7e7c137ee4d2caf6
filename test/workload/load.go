package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxRate bounds the wished requests per second.
const maxRate = 10000

// wish is the wished requests per second; zero at first.
type wish struct{ bits atomic.Uint64 }

func (w *wish) set(rate float64) { w.bits.Store(math.Float64bits(rate)) }
func (w *wish) rate() float64    { return math.Float64frombits(w.bits.Load()) }

// parseRate reads a number from 0 to maxRate, with space around it.
func parseRate(text string) (float64, error) {
	rate, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(rate >= 0 && rate <= maxRate) {
		return 0, fmt.Errorf("load %.40q: must be a number of requests per second from 0 to %d", text, maxRate)
	}
	return rate, nil
}

// plan is how much work a request is.
type plan struct {
	work            time.Duration // of a request, if there is enough CPU
	maxCPU          float64       // cores for all requests
	blocksPerSecond float64       // of CPU
}

// blocks is the work of a request at a rate: so much less than asked that all stay below maxCPU.
func (p plan) blocks(rate float64) int {
	work := p.work
	if rate*work.Seconds() > p.maxCPU {
		work = time.Duration(p.maxCPU / rate * float64(time.Second))
	}
	return blocksFor(work, p.blocksPerSecond)
}

// pacer turns a rate into whole requests.
type pacer struct {
	last time.Time
	owed float64
}

// due is how many requests are due since the last call; the first call gives none. A gap of more than
// a second is not made up for, so that a pause of the machine does not end in a burst.
func (p *pacer) due(now time.Time, rate float64) int {
	if !p.last.IsZero() {
		p.owed += rate * min(max(now.Sub(p.last), 0), time.Second).Seconds()
	}
	p.last = now
	n := int(p.owed)
	p.owed -= float64(n)
	return n
}

// generate sends requests at the wished rate until ctx ends; none before the pods are known, because they
// would fail for no fault of the pods.
func generate(ctx context.Context, w *web, rate *wish, p plan, known func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	var pace pacer
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			wished := 0.0
			if known() {
				wished = rate.rate()
			}
			w.dispatch(pace.due(now, wished), p.blocks(wished))
		}
	}
}

// follow reads the wished rate from a file, now and each second, until ctx ends.
func follow(ctx context.Context, path string, rate *wish) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	f := loadFile{path: path}
	for {
		f.read(rate)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// loadFile remembers what was read last, so that only a change of it counts.
type loadFile struct{ path, text, complaint string }

// read sets the rate if the file's text changed to another valid one. A problem is logged once.
func (f *loadFile) read(rate *wish) {
	data, err := os.ReadFile(f.path)
	if err == nil && string(data) == f.text {
		return
	}
	var wished float64
	if err == nil {
		wished, err = parseRate(string(data))
	}
	if err != nil {
		if err.Error() != f.complaint {
			slog.Warn("the load stays as it is", "file", f.path, "error", err, "requests_per_second", rate.rate())
		}
		f.complaint = err.Error()
		return
	}
	f.text, f.complaint = string(data), ""
	rate.set(wished)
}
