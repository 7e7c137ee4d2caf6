package report

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/journal"
)

// partName is the name of the part in the journal.
const partName = "clusterScaler"

// Config is where the status is written, and which loops are slow.
type Config struct {
	// Status is the ConfigMap of the status. Without a name there is none.
	Status types.NamespacedName
	// ScanInterval is the time between two loops. A loop that takes longer is logged.
	ScanInterval time.Duration
}

// Deps are what a Reporter writes to.
type Deps struct {
	Client   client.Client
	Events   events.EventRecorder
	Journal  *journal.Journal
	Log      *slog.Logger
	Registry prometheus.Registerer
	Now      func() time.Time
}

// Reporter tells what was done. Make it with New. The loop alone calls its methods, except Run.
type Reporter struct {
	cfg     Config
	deps    Deps
	metrics *metrics
	pods    podEvents
	status  *statusMap
	slow    slowLoops
}

// New makes a Reporter and registers its metrics. The status is written by Run.
func New(cfg Config, deps Deps) *Reporter {
	r := &Reporter{cfg: cfg, deps: deps, metrics: newMetrics(deps.Registry), pods: podEvents{recorder: deps.Events, said: map[string]string{}}}
	r.status = newStatusMap(cfg.Status, &r.deps)
	return r
}

// Run writes the status until ctx ends.
func (r *Reporter) Run(ctx context.Context) error { return r.status.writer.Run(ctx) }

// Finish writes the status if it waits to be written, and returns. It is for the time when Run does not run.
func (r *Reporter) Finish(ctx context.Context) { r.status.writer.Finish(ctx) }

// ProviderObserved tells how long the provider took to say which groups there are.
func (r *Reporter) ProviderObserved(took time.Duration) {
	r.metrics.original.duration.WithLabelValues(functionRefresh).Observe(took.Seconds())
}

// Increased tells of a group that was to grow, and of the nodes that were added. With err these are not all.
func (r *Reporter) Increased(up plan.Increase, added int, err error) {
	r.status.events.increased(up, added, err)
	if err != nil {
		r.deps.Log.Error("a group could not grow; it is left alone for a while", "group", up.Group, "from", up.From, "to", up.To, "class", fleet.FailureOf(err).Class, "error", err)
		r.metrics.scaleUpFailures.WithLabelValues(up.Group).Inc()
		r.metrics.original.addFailures.WithLabelValues(reasonAPICall).Inc()
	}
	if added > 0 {
		r.metrics.nodesAdded.WithLabelValues(up.Group).Add(float64(added))
		r.metrics.original.added.Add(float64(added))
	}
}

// Decreased tells of nodes that have not come and were to be given up. With err the group still works towards some of them.
func (r *Reporter) Decreased(less plan.Decrease, err error) {
	r.status.events.decreased(less, err)
	if err != nil {
		r.deps.Log.Error("nodes that have not come could not be given up", "group", less.Group, "from", less.From, "to", less.To, "error", err)
		return
	}
	r.metrics.nodesGivenUp.WithLabelValues(less.Group).Add(float64(less.From - less.To))
	reason := reasonTimeout
	if less.Failed > 0 {
		reason = reasonFailed
	}
	r.metrics.original.addFailures.WithLabelValues(reason).Inc()
}

// Deleted tells of instances that have not registered in time: those whose deletion was accepted, and why others were refused.
func (r *Reporter) Deleted(group string, accepted []fleet.Victim, refused map[fleet.Victim]error) {
	r.status.events.deleted(group, accepted, refused)
	for v, why := range refused {
		r.deps.Log.Error("an instance that has not registered could not be deleted", "group", group, "instance", v.ID, "error", why)
	}
	if len(accepted) == 0 {
		return
	}
	r.metrics.nodesGivenUp.WithLabelValues(group).Add(float64(len(accepted)))
	r.metrics.original.unregisteredRemoved.Add(float64(len(accepted)))
	r.metrics.original.addFailures.WithLabelValues(reasonTimeout).Inc()
}

// RemovalBegins tells of a node whose removal begins.
func (r *Reporter) RemovalBegins(removal plan.Removal) { r.status.events.begins(removal) }

// RemovalEnded tells what a removal came to. If again is true, the node was deleted before and still stood.
func (r *Reporter) RemovalEnded(o kube.Outcome, again bool) {
	r.status.events.ended(o)
	if o.Err != nil {
		r.deps.Log.Warn("a node could not be removed and is kept", "node", o.Node, "group", o.Group, "error", o.Err)
		r.metrics.scaleDownFailures.WithLabelValues(o.Group).Inc()
		r.metrics.original.removeFailures.WithLabelValues(reasonAPICall).Inc()
		return
	}
	if !again {
		r.metrics.nodesRemoved.WithLabelValues(o.Group).Inc()
		r.metrics.original.removed.WithLabelValues(removalReason(o)).Inc()
	}
}

// Overdue tells of a node that the provider has accepted to delete, and that still stands.
func (r *Reporter) Overdue(node, group string, accepted fleet.Accepted) {
	ago := r.deps.Now().Sub(accepted.At).Round(time.Second)
	r.deps.Log.Warn("the provider accepted to delete a node, and it still stands; it is asked again", "node", node, "group", group, "accepted ago", ago, "times", accepted.Times)
	r.status.events.overdue(node, group, ago)
	r.metrics.scaleDownFailures.WithLabelValues(group).Inc()
	r.metrics.original.removeFailures.WithLabelValues(reasonTimeout).Inc()
}

// removalReason is what cluster-autoscaler's metric calls the removal.
func removalReason(o kube.Outcome) string {
	switch {
	case o.Unready:
		return reasonUnready
	case o.Empty:
		return reasonEmpty
	default:
		return reasonUnderutilized
	}
}
