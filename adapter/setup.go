package adapter

import (
	"fmt"
	"sync"
	"time"

	"github.com/trimtab/trimtab/adapter/delegate"
	"github.com/trimtab/trimtab/adapter/memory"
	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/prom"
)

// setup is a configuration made ready. It is replaced as a whole, and immutable but for what its families
// remember.
type setup struct {
	cfg     Config
	set     *rules.Set
	servers map[string]Server
	// clients are the servers that this setup connected to by itself.
	clients   []*prom.Client
	delegates []*delegate.Delegate
	grid      *memory.Grid
	families  *families
	// exact remembers the answers of queries that are asked as they are written.
	exact *recent
	// shapes remembers what is read off a source's query, by rule and series.
	shapes sync.Map
}

// shape is what a query's text says of its answer.
type shape struct {
	// window is the time that the values stand for, 0 where nobody knows.
	window time.Duration
	// sorted says that the order of the rows is the query's own.
	sorted bool
}

// prepare makes a configuration ready, or tells what is wrong with it. It asks nobody anything.
func prepare(cfg Config, deps Deps) (*setup, error) {
	file, err := cfg.loadRules()
	if err != nil {
		return nil, err
	}
	set, err := rules.Compile(file)
	if err != nil {
		return nil, err
	}
	for _, w := range rules.Lint(file) {
		deps.Log.Warn("a rule is likely a mistake", "rule", w.Path, "warning", w.Message)
	}
	s := &setup{cfg: cfg, set: set, servers: deps.Servers}
	if s.servers == nil {
		if err = s.connect(deps); err != nil {
			s.retire()
			return nil, err
		}
	}
	if err := missingServers(file, func(name string) bool { return s.servers[name] != nil }).AsError(); err != nil {
		return nil, err
	}
	for i, c := range cfg.Delegates {
		d, err := delegate.New(c)
		if err != nil {
			s.retire()
			return nil, fmt.Errorf("delegates[%d]: %w", i, err)
		}
		s.delegates = append(s.delegates, d)
	}
	s.grid = memory.NewGrid(cfg.EvaluationInterval.Std(), cfg.RequestTimeout.Std(), deps.Now)
	s.families, s.exact = newFamilies(), newRecent(s.grid)
	return s, nil
}

// retire lets go of the connections that nothing will use again; requests in flight keep theirs until they end.
func (s *setup) retire() {
	for _, c := range s.clients {
		c.Close()
	}
	for _, d := range s.delegates {
		d.CloseIdleConnections()
	}
}

// shape is read off the first query of a source that is asked: all of them look equally far back.
func (s *setup) shape(source rules.Source, promql string) shape {
	key := source.Rule() + "\xff" + source.Series
	if known, ok := s.shapes.Load(key); ok {
		return known.(shape)
	}
	var read shape
	if window, err := merge.Window(promql); err == nil { // else it is not PromQL, which the server will tell
		read = shape{window, merge.Sorted(promql)}
	}
	s.shapes.Store(key, read)
	return read
}
