package adapter

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// keepIntervals is for how many intervals an unannounced request stays in demand.
	keepIntervals = 4
	// mostValues is how many values of a label a common query is narrowed to. With more values the query is not
	// narrowed.
	mostValues = 50
	// mostNames is the same for the names of objects.
	mostNames = 10
	// mostWanted bounds the demand of one family. Further requests are asked by their own query.
	mostWanted = 20_000
)

// demand is what the requests of one family ask for. It is safe for concurrent use.
type demand struct {
	mu sync.Mutex
	// groups by their key.
	groups map[string]*wanted
}

// wanted is the demand for one combination of values.
type wanted struct {
	values []string
	// announced by an HPA. Otherwise it is dropped some time after last.
	announced bool
	last      time.Time
	// names are the objects that are asked for by name; nil once all objects are.
	names map[string]bool
}

// want notes a request for these values: for one object, or for all where name is empty. An announced request stays
// until withdraw. want keeps the slice of values.
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

// withdraw takes back all announcements. Requests that are still wanted are announced again afterwards.
func (d *demand) withdraw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.groups {
		w.announced = false
	}
}

// forget drops requests that were neither announced nor made since. It returns whether any are left.
func (d *demand) forget(since time.Time) (left bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.groups, func(_ string, w *wanted) bool { return !w.announced && w.last.Before(since) })
	return len(d.groups) > 0
}

// narrow is what a common query may be narrowed to, by label: the wanted values, where they are few.
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
