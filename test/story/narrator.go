package story

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// narrator prints a line for each thing that happens, with its reason, as Kubernetes Events tell it.
type narrator struct {
	began time.Time

	mu   sync.Mutex
	out  io.Writer
	seen map[string]bool
}

func newNarrator(out io.Writer) *narrator {
	return &narrator{began: time.Now(), out: out, seen: map[string]bool{}}
}

// say prints one line: how long after the start, who, what.
func (n *narrator) say(who, format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "%7.1fs  %-9s %s\n", time.Since(n.began).Seconds(), who, fmt.Sprintf(format, args...))
}

// title prints the headline of a step.
func (n *narrator) title(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(n.out, "\n== %s\n", fmt.Sprintf(format, args...))
}

// told maps the reasons of the Events that belong to the story to who speaks.
func told() map[string]string {
	return map[string]string{
		"SuccessfulRescale": "HPA", "FailedGetPodsMetric": "HPA", "FailedGetExternalMetric": "HPA",
		"TriggeredScaleUp": "cluster", "NotTriggerScaleUp": "cluster", "ScaledUpGroup": "cluster",
		"ScaleDown": "cluster", "ScaleDownEmpty": "cluster", "ScaleDownFailed": "cluster",
		"KEDAScaleTargetActivated": "scalers", "KEDAScaleTargetDeactivated": "scalers", "ScaledObjectReady": "scalers",
		"ScaledObjectCheckFailed": "scalers", "KEDAScalerFailed": "scalers",
	}
}

// follow prints the Events of the story until ctx ends.
func (n *narrator) follow(ctx context.Context, c client.Client) {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	voices := told()
	for {
		var events eventsv1.EventList
		if err := c.List(ctx, &events); err == nil {
			slices.SortFunc(events.Items, func(a, b eventsv1.Event) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
			for _, e := range events.Items {
				n.event(voices[e.Reason], e)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// event prints an Event once; equal ones on several objects (one for each pod) are one line.
func (n *narrator) event(voice string, e eventsv1.Event) {
	if voice == "" || (e.Regarding.Namespace != "demo" && e.Regarding.Kind != "Node" && e.Regarding.Kind != "ConfigMap") {
		return
	}
	key := e.Reason + e.Note
	if e.Regarding.Kind != "Pod" {
		key += e.Regarding.Name
	}
	n.mu.Lock()
	known := n.seen[key]
	n.seen[key] = true
	n.mu.Unlock()
	if !known {
		n.say(voice, "%s %s %s: %s", e.Reason, strings.ToLower(e.Regarding.Kind), e.Regarding.Name, e.Note)
	}
}
