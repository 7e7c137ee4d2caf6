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

// placePending sorts the pods that have no node: those that wait for something else, those that fit on
// a node that stands or is coming, and the rest, which stays in d.batches. Pods of nodes that are going are among them,
// as they will be once they have left: pods that a controller makes anew, and these others.
func (d *decision) placePending(others ...*Pod) {
	for _, pod := range others {
		d.cluster.Take(pod.Class, d.kept.ids[pod.Node], 1)
	}
	wanting := append(others, d.takeReplaced()...)
	for _, pod := range d.kept.waiting {
		if !d.policy.expendable(pod) && d.nominated(pod) || !pod.Deleted.IsZero() {
			d.say(pod, WaitsForNode, pod.awaited()...)
			continue
		}
		if code, facts := d.waitsForOther(pod); code != "" {
			d.say(pod, code, facts...)
			continue
		}
		wanting = append(wanting, pod)
	}
	d.needing = wanting
	d.batches = batched(d.replay(slices.Clone(wanting)))
	for i := range d.batches {
		d.placeOnExisting(&d.batches[i])
	}
	d.fillGaps()
	d.batches = slices.DeleteFunc(d.batches, func(b batch) bool { return len(b.pods) == 0 })
	d.placeSpares()
}

// takeReplaced takes the pods off the nodes that are going which are made anew, and returns them.
func (d *decision) takeReplaced() []*Pod {
	var out []*Pod
	for _, id := range d.kept.going {
		for _, pod := range d.kept.on[id] {
			if pod.State == Bound && replacementNeeded(pod) {
				d.cluster.Take(pod.Class, id, 1)
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
func (d *decision) nominated(pod *Pod) bool {
	_, stands := d.kept.ids[pod.Node]
	return pod.State == Preempting && stands
}

// awaited is the node that the pod waits for, if it waits for one.
func (p *Pod) awaited() []verdict.Fact {
	if p.Node == "" {
		return nil
	}
	return []verdict.Fact{verdict.Text("node", p.Node)}
}

// waitsForOther is why a pod without a node asks for none, or an empty code.
func (d *decision) waitsForOther(pod *Pod) (verdict.Code, []verdict.Fact) {
	delay := max(pod.Delay, d.policy.NewPodScaleUpDelay)
	switch age := d.now.Sub(pod.Created); {
	case pod.State == Gated:
		return SchedulingGated, nil
	case pod.daemon():
		return DaemonSetPod, nil
	case d.policy.expendable(pod):
		return Expendable, d.policy.expendableFacts(pod)
	case pod.State == Unseen:
		return Unprocessed, nil
	case pod.Constraint != "":
		return ConstraintNotModelled, []verdict.Fact{verdict.Text("constraint", pod.Constraint)}
	case age < delay && !d.policy.IgnoreTimers:
		d.plan.nextBy(pod.Created.Add(delay))
		return YoungerThanDelay, []verdict.Fact{verdict.Duration("age", age), verdict.Duration("delay", delay)}
	}
	return "", nil
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

// placeOnExisting puts what fits of the batch on the nodes of the cluster, those that the plan adds included, in
// their order.
func (d *decision) placeOnExisting(b *batch) {
	for left := len(b.pods); left > 0; {
		d.placeOnce(b)
		if len(b.pods) == left || !d.cluster.Constrained(b.class) {
			return
		}
		left = len(b.pods) // a node that was no place for them may have become one
	}
}

func (d *decision) placeOnce(b *batch) {
	open := b.open[:0]
	for _, id := range b.open {
		if d.placeOn(b, id) {
			open = append(open, id)
		}
	}
	for len(b.pods) > 0 {
		if b.seen = d.cluster.NextWithRoom(b.class, b.seen); int(b.seen) == d.cluster.Len() {
			break
		}
		if d.placeOn(b, b.seen) {
			open = append(open, b.seen)
		}
		b.seen++
	}
	b.open = open
}

// placeOn puts what fits of the batch on the node, and says whether it may take more once others have pods.
func (d *decision) placeOn(b *batch, id scheduling.NodeID) bool {
	n := d.cluster.Fill(b.class, id, len(b.pods))
	if n > 0 {
		d.noteAdded(id, share{b.class, b.pods[:n]})
	}
	for _, pod := range b.pods[:n] {
		d.noteOn(pod, id)
	}
	b.pods = b.pods[n:]
	return len(b.pods) > 0 && d.cluster.Constrained(b.class) && d.cluster.MayFit(b.class, id)
}

// noteOn notes that a pod without a node has been placed on one of the cluster.
func (d *decision) noteOn(pod *Pod, id scheduling.NodeID) {
	if pod.spare() {
		d.noteSpare(pod, id)
		return
	}
	d.settleOn(pod, id)
	if coming := int(id) - len(d.s.Nodes); coming >= d.requested {
		d.growFor(d.upcoming[coming], pod)
	} else if coming >= 0 {
		d.planFor(pod, d.upcoming[coming], d.now)
	} else if n := d.s.Nodes[id]; d.starting(id) {
		d.planFor(pod, n.Group, n.Created)
	} else {
		d.planOn(pod, n.Name)
	}
}

// settle empties the batches when all their pods have only just come.
func (d *decision) settle() {
	var oldest time.Time
	for _, b := range d.batches {
		for _, pod := range b.pods {
			if created := pod.Created; pod.spare() {
				continue
			} else if oldest.IsZero() || created.Before(oldest) {
				oldest = created
			}
		}
	}
	if oldest.IsZero() || d.now.Sub(oldest) >= settleTime || d.policy.IgnoreTimers {
		return
	}
	d.settling = true
	d.plan.nextBy(oldest.Add(settleTime))
	for _, b := range d.batches {
		for _, pod := range b.pods {
			d.say(pod, Settling)
		}
	}
	d.batches = nil
}

// say keeps the verdict on a pod without a node. One that only stands for its replacement has none.
func (d *decision) say(pod *Pod, code verdict.Code, facts ...verdict.Fact) {
	if at, is := d.kept.asked[pod]; is {
		d.verdicts[at] = podVerdict{verdict: verdict.Because(podSubject(pod), code, facts...)}
	}
}
