package status

import (
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/text"
)

// TimeFormat is how the ConfigMap and its annotation write the time of the last update.
const TimeFormat = "2006-01-02 15:04:05.999999999 -0700 MST"

// What the conditions say.
const (
	healthy, unhealthy          = "Healthy", "Unhealthy"
	noActivity, inProgress      = "NoActivity", "InProgress"
	backoff                     = "Backoff"
	noCandidates, areCandidates = "NoCandidates", "CandidatesPresent"
	running                     = "Running"
	// failedCode is the errorCode of a group that could not grow.
	failedCode = "cloudProviderError"
)

// Book keeps since when each condition is what it is. The zero value is ready; it is not safe for concurrent use.
type Book struct {
	// since has the conditions of the last plan, by what they are of.
	since map[string]condition
	// last is what was said of the last plan, without times.
	last document
}

type condition struct {
	status string
	since  time.Time
}

// Text is the status of a plan that was made at now. It is news if it differs from the last in more than times.
func (b *Book) Text(p *plan.Plan, now time.Time) (text string, news bool, err error) {
	timeless := writer{now: map[string]condition{}}
	said := timeless.document(p)
	news, b.last = !reflect.DeepEqual(said, b.last), said
	w := writer{before: b.since, now: map[string]condition{}, at: now}
	doc := w.document(p)
	b.since = w.now
	raw, err := yaml.Marshal(doc)
	return string(raw), news, err
}

// writer writes one document.
type writer struct {
	before, now map[string]condition
	at          time.Time
}

// times notes a condition and since when it is so.
func (w *writer) times(of, status string) times {
	c := condition{status, w.at}
	if old, known := w.before[of]; known && old.status == status {
		c.since = old.since
	}
	w.now[of] = c
	return times{w.at.UTC().Format(time.RFC3339), c.since.UTC().Format(time.RFC3339)}
}

func (w *writer) document(p *plan.Plan) document {
	unneeded, growing := map[string]int{}, map[string]bool{}
	for i := range p.Unneeded {
		unneeded[p.Unneeded[i].Group]++
	}
	for _, up := range p.ScaleUp {
		growing[up.Group] = true
	}
	doc := document{Time: w.at.UTC().Format(TimeFormat), AutoscalerStatus: running}
	coming, lost, grows := 0, 0, len(p.ScaleUp) > 0
	for i := range p.States {
		g := &p.States[i]
		coming, lost, grows = coming+g.Coming, lost+g.Lost, grows || g.Coming > 0
		doc.NodeGroups = append(doc.NodeGroups, w.group(g, growing[g.Name], unneeded[g.Name]))
	}
	status := pick(p.Cluster.Code == plan.ClusterUnhealthy, unhealthy, healthy)
	doc.ClusterWide.Health = health{status, counts(p.Readiness, coming, lost), w.times("health", status)}
	doc.ClusterWide.ScaleUp = w.scaleUp("", pick(grows, inProgress, noActivity))
	doc.ClusterWide.ScaleDown = w.scaleDown("", len(p.Unneeded))
	return doc
}

func (w *writer) group(g *plan.GroupState, grows bool, unneeded int) nodeGroup {
	status := pick(g.Healthy, healthy, unhealthy)
	out := nodeGroup{Name: g.Name, ScaleDown: w.scaleDown("group "+g.Name, unneeded)}
	out.Health = groupHealth{
		Status: status, NodeCounts: counts(g.Readiness, g.Coming, g.Lost),
		CloudProviderTarget: g.Target, MinSize: g.Min, MaxSize: g.Max, times: w.times("group "+g.Name+" health", status),
	}
	switch {
	case !g.Backoff.Until.IsZero():
		out.ScaleUp = w.scaleUp("group "+g.Name, backoff)
		out.ScaleUp.BackoffInfo = &backoffInfo{failedCode, text.Line(g.Backoff.Why)}
	case grows || g.Coming > 0:
		out.ScaleUp = w.scaleUp("group "+g.Name, inProgress)
	default:
		out.ScaleUp = w.scaleUp("group "+g.Name, noActivity)
	}
	return out
}

func (w *writer) scaleUp(of, status string) scaleUp {
	return scaleUp{Status: status, times: w.times(of+" scale-up", status)}
}

func (w *writer) scaleDown(of string, candidates int) scaleDown {
	status := pick(candidates > 0, areCandidates, noCandidates)
	return scaleDown{status, candidates, w.times(of+" scale-down", status)}
}

func counts(r plan.Readiness, coming, lost int) nodeCounts {
	return nodeCounts{
		Registered: registered{
			Total: r.Ready + r.Starting + r.Unready + r.Deleting, Ready: r.Ready, NotStarted: r.Starting,
			BeingDeleted: r.Deleting, Unready: unready{Total: r.Unready},
		},
		LongUnregistered: lost, Unregistered: coming,
	}
}

func pick(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
