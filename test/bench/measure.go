package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/trimtab/trimtab/test/bench/command"
	"github.com/trimtab/trimtab/test/conformance/proxy"
	"github.com/trimtab/trimtab/test/lab"
)

// slowAnswer is how long Prometheus takes in the last of the measurements of sync cycles.
const slowAnswer = 300 * time.Millisecond

// bench is the running scene.
type bench struct {
	options
	command.Log

	lab        *lab.Lab
	ports      lab.Ports
	prometheus *lab.Prometheus
	feed       *feed
	callers    *callers
	report     *report
}

// measure is the whole of it. All that needs a small Prometheus comes before the million of series.
func measure(ctx context.Context, o options, out io.Writer) (_ *report, err error) {
	b := &bench{options: o, Log: command.Log{Out: out, Began: time.Now()}, report: newReport(o)}
	if err := b.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.lab.Keep()
		}
		b.lab.Stop()
	}()
	for _, pods := range o.pods {
		for _, name := range o.adapters {
			if err := b.throughput(ctx, name, pods); err != nil {
				return nil, fmt.Errorf("%s, %d pods: %w", name, pods, err)
			}
		}
	}
	if err := b.floor(ctx); err != nil {
		return nil, err
	}
	for _, name := range o.adapters {
		if err := b.syncCycles(ctx, name); err != nil {
			return nil, fmt.Errorf("%s, sync cycles: %w", name, err)
		}
	}
	if o.series == 0 {
		return b.report, nil
	}
	b.Say("Prometheus: %d series more", o.series)
	if err := b.feed.many(ctx, o.series); err != nil {
		return nil, err
	}
	for _, name := range o.adapters {
		if err := b.memory(ctx, name); err != nil {
			return nil, fmt.Errorf("%s, memory: %w", name, err)
		}
	}
	return b.report, nil
}

// throughput lets 8 callers ask as fast as they are answered.
func (b *bench) throughput(ctx context.Context, name string, pods int) error {
	if err := b.feed.extend(ctx, pods); err != nil {
		return err
	}
	a, err := b.startAdapter(ctx, name, b.prometheus.URL, rules)
	if err != nil {
		return err
	}
	defer a.Stop()
	for _, kind := range b.requestKinds() {
		b.Say("%s: %s, series of %d pods", name, kind.name, pods)
		if err := b.closed(ctx, a, name, pods, kind); err != nil {
			return err
		}
	}
	return nil
}

// closed measures one kind of request.
func (b *bench) closed(ctx context.Context, a adapter, name string, pods int, kind requestKind) error {
	if _, err := b.callers.closed(ctx, 2*time.Second, kind.path); err != nil { // warm up
		return err
	}
	before, err := b.queries(ctx)
	if err != nil {
		return err
	}
	var met load
	cpu, err := a.during(func() (err error) {
		met, err = b.callers.closed(ctx, b.time, kind.path)
		return err
	})
	if err != nil {
		return err
	}
	b.complain(met)
	after, err := b.queries(ctx)
	if err != nil {
		return err
	}
	b.report.Throughput = append(b.report.Throughput, newThroughput(name, pods, kind.name, met, cpu, after-before))
	return nil
}

// syncCycles asks once each 15 s for each HPA, as the HPA controller does, first with a quick Prometheus.
func (b *bench) syncCycles(ctx context.Context, name string) error {
	if err := b.feed.extend(ctx, b.pods[len(b.pods)-1]); err != nil {
		return err
	}
	between, err := proxy.Start(b.prometheus.URL)
	if err != nil {
		return err
	}
	defer between.Close()
	a, err := b.startAdapter(ctx, name, between.URL, rules)
	if err != nil {
		return err
	}
	defer a.Stop()
	for _, delay := range []time.Duration{0, slowAnswer} {
		b.Say("%s: %d sync cycles of %d HPAs, Prometheus takes %s more", name, b.cycles, b.objects, delay)
		between.Delay(delay)
		if err := b.cycle(ctx, a, name, between, delay); err != nil {
			return err
		}
	}
	return nil
}

// cycle measures after a first cycle, which finds nothing warm.
func (b *bench) cycle(ctx context.Context, a adapter, name string, between *proxy.Proxy, delay time.Duration) error {
	if _, err := b.callers.open(ctx, 1, b.syncPaths()); err != nil {
		return err
	}
	between.Take()
	before, err := b.audited(a)
	if err != nil {
		return err
	}
	var met load
	cpu, err := a.during(func() (err error) {
		met, err = b.callers.open(ctx, b.cycles, b.syncPaths())
		return err
	})
	if err != nil {
		return err
	}
	b.complain(met)
	after, err := b.audited(a)
	if err != nil {
		return err
	}
	b.report.Cycles = append(b.report.Cycles, newCycle(name, b.cycles, delay, met, cpu, between.Take(), after.Since(before)))
	return nil
}

// complain reports failed requests while their cause can still be found.
func (b *bench) complain(l load) {
	if l.failures > 0 {
		b.Say("%d of %d requests failed, one of them so: %s", l.failures, len(l.latency), l.failure)
	}
}

// memory is what the process takes after two rounds of discovery, and at the most until then.
func (b *bench) memory(ctx context.Context, name string) error {
	const rounds = 100 * time.Second // two, at one a minute, and the time that they take
	if err := b.feed.extend(ctx, b.pods[len(b.pods)-1]); err != nil {
		return err
	}
	b.Say("%s: memory with %d series behind a rule, for %s", name, b.series, rounds)
	a, err := b.startAdapter(ctx, name, b.prometheus.URL, rules+manyRule)
	if err != nil {
		return err
	}
	defer a.Stop()
	if err := command.Sleep(ctx, rounds); err != nil {
		return err
	}
	u, err := a.Usage()
	if err != nil {
		return err
	}
	served, err := b.callers.serves(ctx, manyPath)
	if err != nil {
		return err
	}
	b.report.Memory = append(b.report.Memory, memoryFigures{
		Adapter: name, Series: b.series, ResidentMiB: command.MiB(u.Resident), PeakMiB: command.MiB(u.Peak), Served: served, CPUSeconds: u.CPU.Seconds(),
	})
	return nil
}
