package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// settleTime is how young pods are left alone when all that need a node are as young: a rollout makes
// its pods one after another, and half of them would choose the wrong node.
const settleTime = 2 * time.Second

// needs is what pending pods need: the outcome of the second stage.
type needs struct {
	// mark is the world with all that is placed.
	mark   mark
	placed placed
	// pods are the pods that needed a node when the loop began. The pods in batches still do.
	pods    []*Pod
	batches []batch
	// settling says that the batches were emptied, since all of their pods have only just come.
	settling bool
	// said are verdicts on pods for which no place is looked for.
	said []said
	next time.Time
}

// said is a verdict on the pod of kept.waiting that is at this place.
type said struct {
	at      int
	verdict verdict.Verdict
}

// batch is a run of pods of one class and priority that need a node.
type batch struct {
	class    scheduling.Class
	priority int32
	// pods are in the order of their names. The placed ones are cut off the front.
	pods []*Pod
	// later says that a group will grow for them that cannot in this loop.
	later bool
	// open are the nodes before seen that are no place for such a pod, and may become one as pods are added elsewhere. The
	// others before seen cannot.
	open []scheduling.NodeID
	seen scheduling.NodeID
}

// take cuts off the pods that were placed on the node.
func (b *batch) take(n int, node scheduling.NodeID) share {
	s := share{class: b.class, node: node, pods: b.pods[:n:n]}
	b.pods = b.pods[n:]
	return s
}

// placePending sorts the pods that have no node into three: they wait for something else, fit on a node that stands or is
// coming, or need a node; these are in batches. Pods of nodes that are going are among them, as they will be after they have
// left: pods that a controller makes anew, and the given others.
func placePending(w *world, others ...*Pod) needs {
	w.goTo(w.ready)
	n := needs{placed: placed{loop: w.loop, upcoming: w.upcoming, requested: len(w.upcoming)}}
	for _, pod := range others {
		w.cluster.Take(pod.Class, w.kept.ids[pod.Node], 1)
	}
	n.pods = append(others, w.takeReplaced()...)
	for at, pod := range w.kept.waiting {
		code, facts, until := w.waits(pod)
		if n.next = sooner(n.next, until); code == "" {
			n.pods = append(n.pods, pod)
			continue
		}
		if n.said == nil {
			n.said = make([]said, 0, len(w.kept.waiting)-at)
		}
		n.said = append(n.said, said{at, verdict.Because(podSubject(pod), code, facts...)})
	}
	n.batches = batched(w.replay(slices.Clone(n.pods), &n.placed))
	for i := range n.batches {
		w.placeOnExisting(&n.batches[i], &n.placed)
	}
	w.fillGaps(n.batches, &n.placed)
	n.batches = slices.Concat(unplaced(n.batches), w.placeSpares(&n.placed))
	n.placed.beforeGrowth = len(n.placed.shares)
	n.mark = w.here()
	return n
}

// unplaced are the batches that still have pods.
func unplaced(batches []batch) []batch {
	return slices.DeleteFunc(batches, func(b batch) bool { return len(b.pods) == 0 })
}

// takeReplaced takes the pods off the nodes that are going which are made anew, and returns them.
func (w *world) takeReplaced() []*Pod {
	var out []*Pod
	for _, id := range w.kept.going {
		for _, pod := range w.kept.on[id] {
			if pod.State == Bound && replacementNeeded(pod) {
				w.cluster.Take(pod.Class, id, 1)
				out = append(out, pod)
			}
		}
	}
	return out
}

// replacementNeeded is whether the pod, which runs on a node that is going, will have to run elsewhere. One
// whose deletion has begun has its replacement among the pending pods already.
func replacementNeeded(pod *Pod) bool {
	return pod.Deleted.IsZero() && !pod.fixed() && pod.Owner != "" && pod.Constraint == ""
}

// nominated is whether the pod has a node that others are being evicted from for it.
func (l *loop) nominated(pod *Pod) bool {
	_, stands := l.kept.ids[pod.Node]
	return pod.State == Preempting && stands
}

// awaited is the node that the pod waits for, if it waits for one.
func (p *Pod) awaited() []verdict.Fact {
	if p.Node == "" {
		return nil
	}
	return []verdict.Fact{verdict.Text("node", p.Node)}
}

// waits is why a pod without a node asks for none, and until when where it is time that it waits for; or an empty code.
func (l *loop) waits(pod *Pod) (code verdict.Code, facts []verdict.Fact, until time.Time) {
	delay := max(pod.Delay, l.policy.NewPodScaleUpDelay)
	switch age := l.now.Sub(pod.Created); {
	case !l.policy.expendable(pod) && l.nominated(pod) || !pod.Deleted.IsZero():
		return WaitsForNode, pod.awaited(), until
	case pod.State == Gated:
		return SchedulingGated, nil, until
	case pod.daemon():
		return DaemonSetPod, nil, until
	case l.policy.expendable(pod):
		return Expendable, l.policy.expendableFacts(pod), until
	case pod.State == Unseen:
		return Unprocessed, nil, until
	case pod.Constraint != "":
		return ConstraintNotModelled, []verdict.Fact{verdict.Text("constraint", pod.Constraint)}, until
	case age < delay && !l.policy.IgnoreTimers:
		return YoungerThanDelay, []verdict.Fact{verdict.Duration("age", age), verdict.Duration("delay", delay)}, pod.Created.Add(delay)
	}
	return "", nil, until
}

// batched groups pods by priority, highest first, and class; the classes in the order of their first pods, since
// their numbers depend on what was there before.
func batched(pods []*Pod) []batch {
	slices.SortFunc(pods, func(a, b *Pod) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Class, b.Class), strings.Compare(a.Name, b.Name))
	})
	var out []batch
	for _, pod := range pods {
		if n := len(out); n == 0 || out[n-1].class != pod.Class || out[n-1].priority != pod.Priority {
			out = append(out, batch{class: pod.Class, priority: pod.Priority})
		}
		b := &out[len(out)-1]
		b.pods = append(b.pods, pod)
	}
	slices.SortFunc(out, func(a, b batch) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), strings.Compare(a.pods[0].Name, b.pods[0].Name))
	})
	return out
}

// fillGaps places pods for which a node has become a place by what was placed on others: the pods that they
// must be near have one, or a domain no longer holds too many more than another.
func (w *world) fillGaps(batches []batch, p *placed) {
	for progress := true; progress; {
		progress = false
		for i := range batches {
			if b := &batches[i]; w.cluster.PodsMayHelp(b.class) {
				before := len(b.pods)
				w.placeOnExisting(b, p)
				progress = progress || len(b.pods) < before
			}
		}
	}
}

// settle empties the batches when all their pods have only just come.
func (l *loop) settle(n needs) needs {
	var oldest time.Time
	for _, b := range n.batches {
		for _, pod := range b.pods {
			if !pod.spare() {
				oldest = sooner(oldest, pod.Created)
			}
		}
	}
	if oldest.IsZero() || l.now.Sub(oldest) >= settleTime || l.policy.IgnoreTimers {
		return n
	}
	n.settling = true
	n.next = sooner(n.next, oldest.Add(settleTime))
	return l.giveUp(n, Settling)
}

// giveUp says of all pods in batches why nothing is done for them, and empties the batches.
func (l *loop) giveUp(n needs, code verdict.Code, facts ...verdict.Fact) needs {
	for _, b := range n.batches {
		for _, pod := range b.pods {
			if at, is := l.kept.asked[pod]; is { // else it only stands for its replacement
				n.said = append(n.said, said{at, verdict.Because(podSubject(pod), code, facts...)})
			}
		}
	}
	n.batches = nil
	return n
}
