package offline

import (
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// valueOf is a result of the engine as the HTTP API returns it.
func valueOf(result parser.Value) (model.Value, error) {
	switch r := result.(type) {
	case promql.Vector:
		out := make(model.Vector, len(r))
		for i, s := range r {
			out[i] = &model.Sample{Metric: metricOf(s.Metric), Value: model.SampleValue(s.F), Timestamp: model.Time(s.T), Histogram: histogramOf(s.H)}
		}
		return out, nil
	case promql.Matrix:
		out := make(model.Matrix, len(r))
		for i, s := range r {
			out[i] = &model.SampleStream{Metric: metricOf(s.Metric)}
			for _, p := range s.Floats {
				out[i].Values = append(out[i].Values, model.SamplePair{Timestamp: model.Time(p.T), Value: model.SampleValue(p.F)})
			}
			for _, p := range s.Histograms {
				out[i].Histograms = append(out[i].Histograms, model.SampleHistogramPair{Timestamp: model.Time(p.T), Histogram: histogramOf(p.H)})
			}
		}
		return out, nil
	case promql.Scalar:
		return &model.Scalar{Timestamp: model.Time(r.T), Value: model.SampleValue(r.V)}, nil
	case promql.String:
		return &model.String{Timestamp: model.Time(r.T), Value: r.V}, nil
	default:
		return nil, fmt.Errorf("the engine answers with a %T", result)
	}
}

func metricOf(set labels.Labels) model.Metric {
	out := make(model.Metric, set.Len())
	set.Range(func(l labels.Label) { out[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return out
}

// histogramOf leaves out empty buckets, as the API does; nil stays nil.
func histogramOf(h *histogram.FloatHistogram) *model.SampleHistogram {
	if h == nil {
		return nil
	}
	out := &model.SampleHistogram{Count: model.FloatString(h.Count), Sum: model.FloatString(h.Sum)}
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		if b.Count == 0 {
			continue
		}
		out.Buckets = append(out.Buckets, &model.HistogramBucket{
			Boundaries: boundaries(b.LowerInclusive, b.UpperInclusive),
			Lower:      model.FloatString(b.Lower), Upper: model.FloatString(b.Upper), Count: model.FloatString(b.Count),
		})
	}
	return out
}

// boundaries is the API's number for the ends of a bucket that belong to it.
func boundaries(lower, upper bool) int32 {
	switch {
	case lower && upper:
		return 3
	case lower:
		return 1
	case upper:
		return 0
	default:
		return 2
	}
}
