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
	// windows remembers the longest range in a source's query, by rule and series.
	windows sync.Map
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
			return nil, err
		}
	}
	if err := missingServers(file, func(name string) bool { return s.servers[name] != nil }).AsError(); err != nil {
		return nil, err
	}
	for i, c := range cfg.Delegates {
		d, err := delegate.New(c)
		if err != nil {
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
		c.CloseIdleConnections()
	}
	for _, d := range s.delegates {
		d.CloseIdleConnections()
	}
}

// window is the time that the values of a source's query stand for, 0 where nobody knows. It is read off the first
// query that is asked: those of one source look equally far back.
func (s *setup) window(source rules.Source, promql string) time.Duration {
	key := source.Rule() + "\xff" + source.Series
	if known, ok := s.windows.Load(key); ok {
		return known.(time.Duration)
	}
	window, err := merge.Window(promql)
	if err != nil {
		window = 0 // not PromQL, which the server will tell
	}
	s.windows.Store(key, window)
	return window
}
