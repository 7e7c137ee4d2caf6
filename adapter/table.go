package adapter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/adapter/merge"
	"github.com/trimtab/trimtab/adapter/rules"
)

// row is one sample of an answer.
type row struct {
	// labels are the labels of an external metric's row; nil for other metrics.
	labels map[string]string
	// extra is the value of the label that distinguishes rows of one object: the container.
	extra string
	value float64
	// millis is the sample's time, since 1970.
	millis int64
	// unusable says that no quantity can hold the value. histogram says that it is a native histogram.
	unusable, histogram bool
}

// what describes the value of an unusable row, with the correction where there is one.
func (r row) what() string {
	if r.histogram {
		return "a native histogram, which is no quantity (take a number out of it by histogram_quantile, histogram_avg or histogram_count)"
	}
	return fmt.Sprintf("%v, which is no quantity", r.value)
}

// group has the rows of requests that differ only in the objects' names.
type group struct {
	// rows are all rows, in the order of names. For each object, the last row is served.
	rows []row
	// names has the range of each object's rows: from, to.
	names map[string][2]int
	// late is how many rows of each object were left out for their age; nil without any.
	late map[string]int
}

// count is how many rows there are of some objects, and how many of them were left out for their age.
func (g *group) count(names []string) (total, late int) {
	if g == nil {
		return 0, 0
	}
	for _, name := range names {
		span := g.names[name]
		total += span[1] - span[0] + g.late[name]
		late += g.late[name]
	}
	return total, late
}

// table is the answer of a common query, indexed by what requests ask.
type table struct {
	groups map[string]*group
	covers coverage
	query  string
	// rows is how many rows the answer had.
	rows     int
	warnings []string
}

// late is how many rows were left out for their age.
func (t *table) late() int {
	n := 0
	for _, g := range t.groups {
		for _, late := range g.late {
			n += late
		}
	}
	return n
}

// coverage says which values of the dimensions a query was narrowed to. It was not narrowed by a label that is missing
// here.
type coverage map[string][]string

// takes is true if the query covers a request with these values, for all objects or for the named ones.
func (c coverage) takes(l layout, values []string, names []string) bool {
	for i, label := range l.groupBy {
		if only, narrowed := c[label]; narrowed && !slices.Contains(only, values[i]) {
			return false
		}
	}
	only, narrowed := c[l.object]
	return !narrowed || len(names) == 1 && slices.Contains(only, names[0])
}

// groupKey joins values. No value can contain the separator.
func groupKey(values []string) string { return strings.Join(values, "\xff") }

// layout says how rows of an answer are put into a table.
type layout struct {
	// groupBy are the dimensions, without the object's.
	groupBy []string
	// object is the label that names the object; empty for external metrics.
	object string
	// extra is a further label of rows: the container's.
	extra string
	// keepLabels says that the rows' labels are shown, without the labels of hidden.
	keepLabels bool
	hidden     []string
	// sorted says that the query itself sorts the answer.
	sorted bool
}

func newLayout(form rules.Form, common *merge.Form) layout {
	l := layout{object: form.ObjectLabel, extra: form.ExtraLabel, keepLabels: form.ObjectLabel == ""}
	for _, d := range form.Dimensions {
		if d.Label != form.ObjectLabel {
			l.groupBy = append(l.groupBy, d.Label)
		}
	}
	if common != nil {
		l.hidden, l.sorted = common.Added(), common.Sorted()
	}
	return l
}

// tabulate puts the samples of an answer into a table. times has the samples' timestamps, by the same labels, if the
// rule limits their age. A row without a timestamp, or older than oldest, is left out.
func (l layout) tabulate(samples model.Vector, times map[string]time.Time, oldest time.Time) *table {
	t := &table{groups: map[string]*group{}, rows: len(samples)}
	byGroup, late := map[string][]placed{}, map[string]map[string]int{}
	values := make([]string, len(l.groupBy))
	for _, sample := range samples {
		for i, label := range l.groupBy {
			values[i] = string(sample.Metric[model.LabelName(label)])
		}
		key := groupKey(values)
		one := placed{name: string(sample.Metric[model.LabelName(l.object)]), metric: sample.Metric, row: l.row(sample)}
		if times != nil {
			at, ok := times[l.identity(sample.Metric)]
			if !ok || at.Before(oldest) {
				if late[key] == nil {
					late[key] = map[string]int{}
				}
				late[key][one.name]++
				continue
			}
			one.millis = at.UnixMilli()
		}
		byGroup[key] = append(byGroup[key], one)
	}
	for key, names := range late {
		t.groups[key] = &group{late: names}
	}
	for key, rows := range byGroup {
		if l.object != "" {
			slices.SortStableFunc(rows, l.compare)
		}
		g := &group{rows: make([]row, len(rows)), names: make(map[string][2]int, len(rows)), late: late[key]}
		for i, one := range rows {
			g.rows[i] = one.row
			span, ok := g.names[one.name]
			if !ok {
				span[0] = i
			}
			span[1] = i + 1
			g.names[one.name] = span
		}
		t.groups[key] = g
	}
	return t
}

// placed is a row that is not yet in a table.
type placed struct {
	name   string
	metric model.Metric
	row
}

// compare sorts rows by object and extra label. Of several rows of one object, unusable rows come first. The others are
// in the order of their labels, whatever the order of the answer, unless the query itself sorts. Labels that merging
// added to all rows make no difference.
func (l layout) compare(a, b placed) int {
	if c := cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.extra, b.extra)); c != 0 {
		return c
	}
	switch {
	case a.unusable != b.unusable && a.unusable:
		return -1
	case a.unusable != b.unusable:
		return 1
	case l.sorted:
		return 0
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(a.metric)), maps.Keys(b.metric))
	slices.Sort(names)
	for _, name := range names {
		if c := cmp.Compare(a.metric[name], b.metric[name]); c != 0 {
			return c
		}
	}
	return 0
}

func (l layout) row(sample *model.Sample) row {
	r := row{value: float64(sample.Value), millis: int64(sample.Timestamp), histogram: sample.Histogram != nil}
	r.unusable = r.histogram || !rules.Usable(r.value)
	if l.extra != "" {
		r.extra = string(sample.Metric[model.LabelName(l.extra)])
	}
	if l.keepLabels && sample.Metric != nil {
		r.labels = make(map[string]string, len(sample.Metric))
		for name, value := range sample.Metric {
			if !slices.Contains(l.hidden, string(name)) {
				r.labels[string(name)] = string(value)
			}
		}
	}
	return r
}

// identity identifies the rows of one answer by the labels that the query and the query for timestamps both have.
func (l layout) identity(metric model.Metric) string {
	parts := make([]string, 0, len(l.groupBy)+2)
	for _, label := range l.groupBy {
		parts = append(parts, string(metric[model.LabelName(label)]))
	}
	return groupKey(append(parts, string(metric[model.LabelName(l.object)]), string(metric[model.LabelName(l.extra)])))
}
