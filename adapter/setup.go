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

// setup is a configuration with all that it needs. It is replaced as a whole. It is immutable, but for the memory of
// its families.
type setup struct {
	cfg     Config
	set     *rules.Set
	servers map[string]Server
	// clients are the connections that this setup opened itself.
	clients   []*prom.Client
	delegates []*delegate.Delegate
	grid      *memory.Grid
	families  *families
	// exact remembers the answers of queries that are sent as they are written.
	exact *recent
	// shapes remembers the shape of a source's query, by rule and series.
	shapes sync.Map
}

// shape is what a query's text says about its answer.
type shape struct {
	// window is the time range of the values; 0 where it is unknown.
	window time.Duration
	// sorted says that the order of the rows is the query's own.
	sorted bool
}

// prepare makes a setup, or reports the problems of the configuration. It makes no requests.
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

// retire closes the connections that nothing will use again. Requests in flight keep theirs until they end.
func (s *setup) retire() {
	for _, c := range s.clients {
		c.Close()
	}
	for _, d := range s.delegates {
		d.CloseIdleConnections()
	}
}

// shape is read from the first query of a source. All its queries have the same time range.
func (s *setup) shape(source rules.Source, promql string) shape {
	key := source.Rule() + "\xff" + source.Series
	if known, ok := s.shapes.Load(key); ok {
		return known.(shape)
	}
	var read shape
	if window, err := merge.Window(promql); err == nil { // otherwise it is not PromQL, and the server will report that
		read = shape{window, merge.Sorted(promql)}
	}
	s.shapes.Store(key, read)
	return read
}
