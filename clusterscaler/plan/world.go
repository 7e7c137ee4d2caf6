package plan

import (
	"fmt"
	"iter"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// world is the simulated cluster in which the stages after observe place pods. There is one, which changes with each pod: the
// outcome of a stage has a mark of how far the world has come with it, and the next stage begins there. To go to a mark
// takes back all that was done since, and voids the marks that were made since.
type world struct {
	*loop
	*observed
	cluster *scheduling.Cluster
	// marks are the marks that are not void, and made is how many there have been.
	marks []mark
	made  int
	// bare is the mark with nothing on its way, and ready that with the nodes on their way, before pods are placed.
	bare, ready mark
	// models are what new nodes of the groups are like.
	models []model
}

// model is what new nodes of a group are like. It remembers what has been asked, and each answer holds for the whole loop.
type model struct {
	*groupState
	index int
	// alike is equal for groups whose new nodes are equal.
	alike string
	// misfits holds, for classes asked about, why a pod does not fit on an empty new node.
	misfits map[scheduling.Class]scheduling.Misfit
	// similar are the groups with similar nodes, once they have been looked for.
	similar []int
	// template is what copies are made of, once it is prepared.
	template scheduling.Template
	prepared bool
	// missing are the DaemonSets that do not run on the group's example, once they have been looked for.
	missing []DaemonSet
}

// newWorld has the nodes that stand, with the pods that run there, and those on their way. The worlds of before are void.
func newWorld(l *loop, there *observed) *world {
	w := &world{loop: l, observed: there, cluster: l.kept.cluster, models: make([]model, 0, len(there.groups))}
	w.cluster.Undo(l.start)
	w.bare = w.here()
	for i := range there.groups {
		g := &there.groups[i]
		w.models = append(w.models, model{groupState: g, index: i, alike: alike(g.Group), misfits: map[scheduling.Class]scheduling.Misfit{}})
	}
	for _, group := range there.upcoming {
		w.addNew(&w.models[l.byGroup[group]])
	}
	w.ready = w.here()
	return w
}

// mark is a state of a world.
type mark struct {
	log    scheduling.Mark
	number int
}

// here marks the present state.
func (w *world) here() mark {
	w.made++
	m := mark{w.cluster.Mark(), w.made}
	w.marks = append(w.marks, m)
	return m
}

// goTo takes back all that was done since the mark, which is not void.
func (w *world) goTo(m mark) {
	i := slices.Index(w.marks, m)
	if i < 0 {
		panic("plan: a stage begins with an outcome that an earlier one has voided")
	}
	w.cluster.Undo(m.log)
	w.marks = w.marks[:i+1]
}

// try does something to the world, and takes it back unless that says that it may stay.
func (w *world) try(do func() (stays bool)) bool {
	before := w.cluster.Mark()
	if do() {
		return true
	}
	w.cluster.Undo(before)
	return false
}

// alike is equal for groups of which no pod can tell the new nodes apart.
func alike(g *Group) string {
	n := &g.Template
	return fmt.Sprint(n.Labels, n.Taints, n.Unschedulable, n.Allocatable, n.Features, n.Profile, g.Live, g.Runs, g.Options.AllOrNothing) // fmt sorts the keys of maps
}

// addNew adds a new node of the group, with the DaemonSet pods that it will run.
func (w *world) addNew(g *model) scheduling.NodeID {
	id := w.cluster.AddCopy(w.templateOf(g))
	for _, r := range g.Runs {
		w.cluster.Place(r.Class, id, 1)
	}
	for _, ds := range w.daemonSets(g) {
		if w.cluster.MatchesNode(ds.Class, id) {
			w.cluster.Place(ds.Class, id, 1)
		}
	}
	return id
}

// templateOf is what new nodes of the group are copies of.
func (w *world) templateOf(g *model) scheduling.Template {
	if !g.prepared {
		g.template, g.prepared = w.cluster.Prepare(g.Template), true
	}
	return g.template
}

// daemonSets are the DaemonSets that run on new nodes of the group if they fit, beside what is known to run there.
func (w *world) daemonSets(g *model) []DaemonSet {
	switch {
	case !g.Live:
		return w.s.DaemonSets
	case !w.policy.ForceDaemonSets:
		return nil
	case g.missing == nil:
		g.missing = []DaemonSet{}
		for _, ds := range w.s.DaemonSets {
			if !slices.ContainsFunc(g.Runs, func(r Running) bool { return r.DaemonSet == ds.Name }) {
				g.missing = append(g.missing, ds)
			}
		}
	}
	return g.missing
}

// onNew answers a question about one more node of the group. The world stays as it is.
func onNew[T any](w *world, g *model, ask func(scheduling.NodeID) T) (answer T) {
	w.try(func() bool {
		answer = ask(w.addNew(g))
		return false
	})
	return answer
}

// misfit is why a pod of the class does not fit on an empty new node of the group, as the others stand now.
func (w *world) misfit(g *model, class scheduling.Class) scheduling.Misfit {
	if m, known := g.misfits[class]; known {
		return m
	}
	m := onNew(w, g, func(id scheduling.NodeID) scheduling.Misfit { return w.cluster.Fits(class, id) })
	if !w.cluster.Constrained(class) && !w.cluster.NeedsFilterPlugins(class) { // else it changes with what is placed
		g.misfits[class] = m
	}
	return m
}

// open is whether a new node of the group may be a place for the class, now or once there are more pods elsewhere.
func (w *world) open(g *model, class scheduling.Class) bool {
	return onNew(w, g, func(id scheduling.NodeID) bool { return w.cluster.MayFit(class, id) })
}

// freeOf is what the DaemonSets leave of a new node.
func (w *world) freeOf(g *model) scheduling.Resources { return onNew(w, g, w.cluster.Free) }

// holderOnNew names what has the host port that one of the class wants on each new node of the group.
func (w *world) holderOnNew(g *model, class scheduling.Class) []verdict.Fact {
	for _, r := range g.Runs {
		switch {
		case !w.portsClash(class, r.Class):
		case r.DaemonSet == "":
			return []verdict.Fact{verdict.Text("held by", "a pod that runs on each node")}
		default:
			return []verdict.Fact{verdict.Text("held by", "DaemonSet "+r.DaemonSet)}
		}
	}
	for _, ds := range w.daemonSets(g) {
		if w.portsClash(class, ds.Class) {
			return []verdict.Fact{verdict.Text("held by", "DaemonSet "+ds.Name)}
		}
	}
	return nil
}

func (w *world) portsClash(a, b scheduling.Class) bool {
	return w.s.Classes.Spec(a).PortsClash(w.s.Classes.Spec(b))
}

// placeOnExisting puts what fits of the batch on the nodes of the world, in their order. Nodes that the plan adds are among
// them.
func (w *world) placeOnExisting(b *batch, p *placed) {
	for left := len(b.pods); left > 0; {
		w.placeOnce(b, p)
		if len(b.pods) == left || !w.cluster.Constrained(b.class) {
			return
		}
		left = len(b.pods) // a node that was no place for them may have become one
	}
}

func (w *world) placeOnce(b *batch, p *placed) {
	open := b.open[:0]
	for _, id := range b.open {
		if w.placeOn(b, id, p) {
			open = append(open, id)
		}
	}
	for len(b.pods) > 0 {
		if b.seen = w.cluster.NextWithRoom(b.class, b.seen); int(b.seen) == w.cluster.Len() {
			break
		}
		if w.placeOn(b, b.seen, p) {
			open = append(open, b.seen)
		}
		b.seen++
	}
	b.open = open
}

// placeOn puts what fits of the batch on the node, and says whether it may take more once others have pods.
func (w *world) placeOn(b *batch, id scheduling.NodeID, p *placed) bool {
	if n := w.cluster.Fill(b.class, id, len(b.pods)); n > 0 {
		p.add(b.take(n, id))
	}
	return len(b.pods) > 0 && w.cluster.Constrained(b.class) && w.cluster.MayFit(b.class, id)
}

// retire makes the node one that is going, which these of its pods have left.
func (w *world) retire(id scheduling.NodeID, pods iter.Seq[*Pod], left []*Pod) {
	for _, pod := range left {
		w.cluster.Take(pod.Class, id, 1)
	}
	w.cluster.HideTainted(id, goingTaint(), func(yield func(scheduling.Class) bool) {
		for _, pod := range without(slices.Collect(pods), left) {
			if !yield(pod.Class) {
				return
			}
		}
	})
}

// groupSubject is how verdicts call a group.
func groupSubject(name string) verdict.Subject { return verdict.On("group", name) }

func podSubject(pod *Pod) verdict.Subject { return verdict.On("pod", pod.Name) }
