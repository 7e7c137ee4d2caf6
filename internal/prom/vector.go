package prom

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// Vector is an instant vector that needs little memory: it shares the names of labels and repeated values. A scalar is
// one row without labels.
type Vector struct {
	Rows []Row
	// Scalar says that the answer was a scalar.
	Scalar bool
	// Warnings are the server's warnings about a partial answer. Infos are its remarks on the query.
	Warnings, Infos []string
}

// Row is one series of a Vector. Rows share memory and must not be changed.
type Row struct {
	// Labels are sorted by name, without duplicates.
	Labels []Label
	// Value is the sample, possibly NaN or an infinity. For a histogram it is NaN.
	Value float64
	// TimestampMillis is the server's evaluation time, in milliseconds since 1970.
	TimestampMillis int64
	// Histogram says that the series is a native histogram, which has no single value.
	Histogram bool
}

// Label is the name and the value of a label; the metric's name is `__name__`.
type Label struct{ Name, Value string }

// Label is the value of the label name, "" where the row has none.
func (r Row) Label(name string) string {
	i, ok := slices.BinarySearchFunc(r.Labels, name, func(l Label, name string) int { return strings.Compare(l.Name, name) })
	if !ok {
		return ""
	}
	return r.Labels[i].Value
}

// tidy sorts labels by name and keeps the last of each name. Servers usually send them so.
func tidy(labels []Label) []Label {
	sorted := true
	for i := 1; i < len(labels); i++ {
		sorted = sorted && labels[i-1].Name < labels[i].Name
	}
	if sorted {
		return labels
	}
	slices.SortStableFunc(labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	kept := labels[:0]
	for i, l := range labels {
		if i+1 == len(labels) || labels[i+1].Name != l.Name {
			kept = append(kept, l)
		}
	}
	return kept
}

// modelVector is rows as types of prometheus/common. histograms has the rows' histograms, by index.
func modelVector(rows []Row, histograms map[int]*model.SampleHistogram) model.Vector {
	samples := make([]model.Sample, len(rows))
	vector := make(model.Vector, len(rows))
	for i, r := range rows {
		s := &samples[i]
		s.Timestamp = model.Time(r.TimestampMillis)
		if r.Histogram {
			s.Histogram = histograms[i]
		} else {
			s.Value = model.SampleValue(r.Value)
		}
		s.Metric = modelMetric(r.Labels)
		vector[i] = s
	}
	return vector
}

func modelMetric(labels []Label) model.Metric {
	m := make(model.Metric, len(labels))
	for _, l := range labels {
		m[model.LabelName(l.Name)] = model.LabelValue(l.Value)
	}
	return m
}

// vector reads the series of an instant vector; histograms are by the index of their row.
func (d *decoder) vector() ([]Row, map[int]*model.SampleHistogram, error) {
	if null, err := d.null(); null || err != nil {
		return nil, nil, err
	}
	var rows pile[Row]
	var histograms map[int]*model.SampleHistogram
	known := []string{"metric", "value", "histogram"}
	err := d.array(func() error {
		if d.maxRows > 0 && rows.n == d.maxRows {
			return errSeveralRows
		}
		row, histogram, err := d.row(known)
		if err != nil {
			return err
		}
		if histogram != nil {
			if histograms == nil {
				histograms = map[int]*model.SampleHistogram{}
			}
			histograms[rows.n] = histogram
		}
		rows.add(row)
		return nil
	})
	return rows.all(), histograms, err
}

// row reads one series of an instant vector. A row with both a value and a histogram is a histogram.
func (d *decoder) row(known []string) (row Row, histogram *model.SampleHistogram, err error) {
	keys, valued, at := keys{known: known}, false, model.Time(0)
	err = d.object(func(key []byte) error {
		which, err := keys.which(d, key)
		if err != nil {
			return err
		}
		switch which {
		case "metric":
			row.Labels, err = d.metric()
		case "value":
			var t model.Time
			if t, row.Value, err = d.sample(); histogram == nil {
				at = t
			}
			valued = true
		case "histogram":
			var pair model.SampleHistogramPair
			pair, err = d.histogram()
			histogram, at = pair.Histogram, pair.Timestamp
		default:
			err = d.skip()
		}
		return err
	})
	if err == nil && !valued && histogram == nil {
		err = d.wrong("a series without a value")
	}
	row.TimestampMillis, row.Histogram = int64(at), histogram != nil
	if row.Histogram {
		row.Value = math.NaN()
	}
	return row, histogram, err
}
