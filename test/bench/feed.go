package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/test/lab"
)

const (
	podsMetric    = "http_requests_per_second"
	serviceMetric = "service_queue_depth"
	queueMetric   = "queue_messages"

	// ahead is how far into the future Prometheus is fed; it takes ten minutes at the most.
	ahead = 9 * time.Minute
	// scrape is the time between two samples, past how long the first lies in the past.
	scrape = 15 * time.Second
	past   = 5 * time.Minute
)

// rules is the rule file of both programs; it ends with the list of rules.
const rules = `
externalRules:
- seriesQuery: queue_messages
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)
rules:
- seriesQuery: 'http_requests_total{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: '^(.*)_total$', as: '${1}_per_second'}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
- seriesQuery: 'service_queue_depth{namespace!="",service!=""}'
  resources: {overrides: {namespace: {resource: namespace}, service: {resource: service}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`

// manyRule is one more, with very many series behind it; manyPath is one of its metrics.
const (
	manyRule = `
- seriesQuery: 'many_series_total{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`
	manyPath = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/many-0/pods/pod-0/many_series_total"
)

// feed keeps Prometheus in samples.
type feed struct {
	prometheus *lab.Prometheus
	began      time.Time
	objects    int
	// next is the time of the first sample that series do not have yet, by the number of the first of them.
	next map[int]time.Time
}

func newFeed(p *lab.Prometheus, objects int) *feed {
	return &feed{prometheus: p, began: time.Now().Add(-past), objects: objects, next: map[int]time.Time{}}
}

// extend makes sure that there are samples of that many pods for the next minutes. Those above the number of
// objects are pods of other namespaces.
func (f *feed) extend(ctx context.Context, pods int) error {
	if err := f.push(ctx, 0, f.objects); err != nil {
		return err
	}
	return f.push(ctx, f.objects, pods)
}

func (f *feed) push(ctx context.Context, from, to int) error {
	start, known := f.next[from]
	if !known {
		start = f.began
	}
	end := time.Now().Add(ahead)
	if from >= to || !end.After(start) {
		return nil
	}
	var times []time.Time
	for at := start; at.Before(end); at = at.Add(scrape) {
		times = append(times, at)
	}
	f.next[from] = times[len(times)-1].Add(scrape)
	return f.prometheus.Push(ctx, f.series(from, to, times))
}

// series are those of pods; of those that are objects also the Services' and the queues'.
func (f *feed) series(from, to int, times []time.Time) iter.Seq[lab.Series] {
	return func(yield func(lab.Series) bool) {
		for n := from; n < to; n++ {
			ns := namespace
			if n >= f.objects {
				ns = fmt.Sprintf("other-%d", n%9)
			}
			labels := map[string]string{
				"__name__": "http_requests_total", "namespace": ns, "pod": podName(n), "job": "web", "instance": fmt.Sprintf("10.0.%d.%d:8080", n/250, n%250),
			}
			if !yield(lab.Series{Labels: labels, Samples: f.counter(times, float64(n%100)+0.5)}) {
				return
			}
			if n >= f.objects {
				continue
			}
			service := map[string]string{"__name__": serviceMetric, "namespace": ns, "service": serviceName(n)}
			queue := map[string]string{"__name__": queueMetric, "queue": queueName(n)}
			if !yield(lab.Series{Labels: service, Samples: gauge(times, float64(n))}) || !yield(lab.Series{Labels: queue, Samples: gauge(times, float64(n))}) {
				return
			}
		}
	}
}

func (f *feed) counter(times []time.Time, perSecond float64) []lab.Sample {
	out := make([]lab.Sample, len(times))
	for i, at := range times {
		out[i] = lab.Sample{Time: at, Value: at.Sub(f.began).Seconds() * perSecond}
	}
	return out
}

func gauge(times []time.Time, value float64) []lab.Sample {
	out := make([]lab.Sample, len(times))
	for i, at := range times {
		out[i] = lab.Sample{Time: at, Value: value}
	}
	return out
}

// many stores series of ten for each pod, with the labels that a scraped series has, from now on.
func (f *feed) many(ctx context.Context, count int) error {
	now := time.Now()
	times := []time.Time{now, now.Add(ahead / 2), now.Add(ahead)}
	return f.prometheus.Push(ctx, func(yield func(lab.Series) bool) {
		for n := range count {
			pod := strconv.Itoa(n / 10)
			labels := map[string]string{
				"__name__": "many_series_total", "namespace": fmt.Sprintf("many-%d", n/10%100), "pod": "pod-" + pod, "container": "main", "endpoint": "metrics",
				"instance": "10.1.0." + pod, "job": "many", "service": "many", "code": strconv.Itoa(200 + n%10),
			}
			if !yield(lab.Series{Labels: labels, Samples: gauge(times, 1)}) {
				return
			}
		}
	})
}
