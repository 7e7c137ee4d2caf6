package adapter

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// keepIntervals is for how many intervals a request that nobody announced is kept in demand.
	keepIntervals = 4
	// mostValues is how many values of a label a common query is narrowed to; with more it takes all.
	mostValues = 50
	// mostNames is the same for the names of objects.
	mostNames = 10
	// mostWanted bounds the demand of one family; what comes on top is asked as it is written.
	mostWanted = 20_000
)

// demand is what requests of one family ask for. It is safe for concurrent use.
type demand struct {
	mu sync.Mutex
	// groups by their key.
	groups map[string]*wanted
}

// wanted is the demand for one combination of values.
type wanted struct {
	values []string
	// announced by an HPA; else it is dropped some time after last.
	announced bool
	last      time.Time
	// names are the objects asked for by name; nil once all of them are.
	names map[string]bool
}

// want notes a request for these values: for one object, or for all where name is empty. An announced one stays until
// withdraw. The values are kept.
func (d *demand) want(values []string, name string, announced bool, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := groupKey(values)
	w := d.groups[key]
	if w == nil {
		if len(d.groups) >= mostWanted {
			return
		}
		if d.groups == nil {
			d.groups = map[string]*wanted{}
		}
		w = &wanted{values: values, names: map[string]bool{}}
		d.groups[key] = w
	}
	w.last = now
	w.announced = w.announced || announced
	if name == "" || len(w.names) > mostNames {
		w.names = nil
	}
	if w.names != nil {
		w.names[name] = true
	}
}

// withdraw takes back all that was announced; what is still wanted is announced again after it.
func (d *demand) withdraw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.groups {
		w.announced = false
	}
}

// forget drops what was neither announced nor asked for since, and tells whether anything is left.
func (d *demand) forget(since time.Time) (left bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.groups, func(_ string, w *wanted) bool { return !w.announced && w.last.Before(since) })
	return len(d.groups) > 0
}

// narrow is what a common query may be narrowed to, by label: the values that are wanted, where they are few.
func (d *demand) narrow(groupBy []string, object string) coverage {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := coverage{}
	for i, label := range groupBy {
		values := map[string]bool{}
		for _, w := range d.groups {
			if values[w.values[i]] = true; len(values) > mostValues {
				break
			}
		}
		c.add(label, values, mostValues)
	}
	if object != "" {
		names := map[string]bool{}
		for _, w := range d.groups {
			if maps.Copy(names, w.names); w.names == nil || len(names) > mostNames {
				return c
			}
		}
		c.add(object, names, mostNames)
	}
	return c
}

func (c coverage) add(label string, values map[string]bool, most int) {
	if len(values) > 0 && len(values) <= most {
		c[label] = slices.Sorted(maps.Keys(values))
	}
}
