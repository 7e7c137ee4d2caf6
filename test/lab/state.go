package lab

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TB is what Wait needs of a test, or of the demo.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Wait waits until condition returns nil; what says in words what is waited for. When ctx ends first
// it shows the cluster and fails.
func (l *Lab) Wait(ctx context.Context, t TB, what string, condition func(context.Context) error) {
	t.Helper()
	if err := Poll(ctx, 250*time.Millisecond, condition); err != nil {
		l.Keep()
		t.Fatalf("waited in vain until %s: %v\n%s", what, err, l.State())
	}
}

// State draws the cluster as it is: nodes, pods, HPAs, the newest Events, ended processes.
func (l *Lab) State() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	l.drawNodes(ctx, tw)
	l.drawPods(ctx, tw)
	l.drawHPAs(ctx, tw)
	l.drawEvents(ctx, tw)
	_ = tw.Flush()
	for _, p := range l.processes {
		if err := p.Err(); err != nil {
			fmt.Fprintf(&b, "%s ended: %v\n%s\n", p.Name, err, p.Tail(8))
		}
	}
	return b.String()
}

func (l *Lab) drawNodes(ctx context.Context, w *tabwriter.Writer) {
	var nodes corev1.NodeList
	if err := l.Client.List(ctx, &nodes); err != nil {
		fmt.Fprintln(w, "nodes:", err)
		return
	}
	fmt.Fprintln(w, "NODE\tREADY\tCPU\tTAINTS")
	for _, n := range nodes.Items {
		ready := "?"
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady {
				ready = string(c.Status)
			}
		}
		var taints []string
		for _, t := range n.Spec.Taints {
			taints = append(taints, t.ToString())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Name, ready, n.Status.Allocatable.Cpu(), strings.Join(taints, " "))
	}
}

func (l *Lab) drawPods(ctx context.Context, w *tabwriter.Writer) {
	var pods corev1.PodList
	if err := l.Client.List(ctx, &pods); err != nil {
		fmt.Fprintln(w, "pods:", err)
		return
	}
	fmt.Fprintln(w, "POD\tPHASE\tNODE")
	for _, p := range pods.Items {
		fmt.Fprintf(w, "%s/%s\t%s\t%s\n", p.Namespace, p.Name, p.Status.Phase, p.Spec.NodeName)
	}
}

func (l *Lab) drawHPAs(ctx context.Context, w *tabwriter.Writer) {
	var hpas autoscalingv2.HorizontalPodAutoscalerList
	if err := l.Client.List(ctx, &hpas); err != nil {
		fmt.Fprintln(w, "HPAs:", err)
		return
	}
	fmt.Fprintln(w, "HPA\tREPLICAS\tCONDITIONS")
	for _, h := range hpas.Items {
		var conditions []string
		for _, c := range h.Status.Conditions {
			conditions = append(conditions, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
		}
		fmt.Fprintf(w, "%s/%s\t%d -> %d\t%s\n", h.Namespace, h.Name, h.Status.CurrentReplicas, h.Status.DesiredReplicas, strings.Join(conditions, "; "))
	}
}

func (l *Lab) drawEvents(ctx context.Context, w *tabwriter.Writer) {
	var events eventsv1.EventList
	if err := l.Client.List(ctx, &events, client.Limit(2000)); err != nil {
		fmt.Fprintln(w, "events:", err)
		return
	}
	sort.Slice(events.Items, func(i, j int) bool {
		return events.Items[i].CreationTimestamp.Before(&events.Items[j].CreationTimestamp)
	})
	if n := len(events.Items); n > 25 {
		events.Items = events.Items[n-25:]
	}
	fmt.Fprintln(w, "EVENT\tOBJECT\tNOTE")
	for _, e := range events.Items {
		fmt.Fprintf(w, "%s\t%s %s/%s\t%s\n", e.Reason, e.Regarding.Kind, e.Regarding.Namespace, e.Regarding.Name, e.Note)
	}
}
