package main

import (
	"context"
	"time"

	"github.com/trimtab/trimtab/test/lab"
)

const (
	// past and ahead are how far samples reach from now: Prometheus takes ten minutes ahead at the most.
	past, ahead = 6 * time.Minute, 9*time.Minute + 30*time.Second
	step        = 30 * time.Second
)

// podRules is the rule file of prometheus-adapter beside KEDA, which has the external metrics; rules is trimtab's.
const (
	rules = `
externalRules:
- seriesQuery: queue_messages
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)` + podRules
	podRules = `
rules:
- seriesQuery: 'http_requests_total{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {matches: '^(.*)_total$', as: '${1}_per_second'}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`
)

// feed gives Prometheus what is measured of all pods and queues, for the next minutes.
func (b *bench) feed(ctx context.Context) error {
	now := time.Now()
	if b.fed.IsZero() {
		b.fedFrom = now.Add(-past)
		b.fed = b.fedFrom
	}
	var times []time.Time
	for ; b.fed.Before(now.Add(ahead)); b.fed = b.fed.Add(step) {
		times = append(times, b.fed)
	}
	if len(times) == 0 {
		return nil
	}
	b.Say("Prometheus: series of all pods until %s", b.fed.Format(time.TimeOnly))
	return b.prometheus.Push(ctx, func(yield func(lab.Series) bool) { b.series(b.fedFrom, times, yield) })
}

// series are the samples at those times; counters are zero at the begin.
func (o options) series(begin time.Time, times []time.Time, yield func(lab.Series) bool) {
	for d := range o.deployments() {
		queue := lab.Series{Labels: map[string]string{"__name__": queueMetric, "queue": queueName(d)}, Samples: level(times, perReplica*replicas)}
		if !yield(queue) {
			return
		}
	}
	for n := range o.pods {
		d := n / replicas
		named := func(name, container string) map[string]string {
			return map[string]string{"__name__": name, "namespace": o.namespaceOf(d), "pod": podName(n), "container": container, "node": nodeName(n % o.nodes)}
		}
		for _, c := range template(d).Spec.Containers {
			cpu := lab.Series{Labels: named("container_cpu_usage_seconds_total", c.Name), Samples: rising(begin, times, 0.08)}
			memory := lab.Series{Labels: named("container_memory_working_set_bytes", c.Name), Samples: level(times, 200<<20)}
			if !yield(cpu) || !yield(memory) {
				return
			}
		}
		if o.hasHPA(d) && !yield(lab.Series{Labels: named("http_requests_total", "app"), Samples: rising(begin, times, perReplica)}) {
			return
		}
	}
}

func rising(begin time.Time, times []time.Time, perSecond float64) []lab.Sample {
	out := make([]lab.Sample, len(times))
	for i, at := range times {
		out[i] = lab.Sample{Time: at, Value: at.Sub(begin).Seconds() * perSecond}
	}
	return out
}

func level(times []time.Time, value float64) []lab.Sample {
	out := make([]lab.Sample, len(times))
	for i, at := range times {
		out[i] = lab.Sample{Time: at, Value: value}
	}
	return out
}
