package kube

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// Translator makes Snapshots one after another, and translates of each only the pods that have changed since the
// one before. A Snapshot is the same, but for the numbers of its classes, as one that was made from nothing. The
// zero value is ready. It is not safe for concurrent use, and its next Snapshot must not be made while the last is
// used: they share their Classes and Pods.
type Translator struct {
	classes    *simulate.Classes
	namespaces map[string]map[string]string
	// pods are those of the last Snapshot and the finished ones, in the order of their names; byName finds them, and
	// byObject those whose object is still the same.
	pods     []*translated
	byName   map[types.NamespacedName]*translated
	byObject map[*corev1.Pod]*translated
	// budgets is the text of those that the pods' budgets are indices of.
	budgets string
	// owners are the controllers of the pods, and of some that are gone; pruned is how many there were when those
	// were last left out.
	owners map[ownerName]*owner
	pruned int
	// snapshot has the pods that have not finished, as the Snapshots share them; stale says that it must be made anew.
	snapshot []plan.Pod
	stale    bool
	// turn numbers the Snapshots.
	turn int
	// fresh is how many classes there were when all was translated anew.
	fresh int
}

// translated is a pod as it was read.
type translated struct {
	object *corev1.Pod
	pod    plan.Pod
	owner  *owner
	// index is the pod's place in the snapshot.
	index int
	// finished pods are not part of a Snapshot.
	finished bool
	// turn is the last that the pod was seen in.
	turn int
}

type ownerName struct{ kind, namespace, name string }

// owner is a controller of pods, and whether it does not exist.
type owner struct {
	name    ownerName
	missing bool
}

// Snapshot translates the objects. member has the group of each node that has one, and deleting says
// which nodes are going.
func (t *Translator) Snapshot(o *Objects, groups []plan.Group, member map[string]string, deleting func(*corev1.Node) bool) *plan.Snapshot {
	s := &plan.Snapshot{Groups: groups}
	for _, n := range byName(o.Nodes) {
		s.Nodes = append(s.Nodes, plan.Node{
			Node: simulate.NodeOf(n), Capacity: simulate.ResourcesOf(n.Status.Capacity), Group: member[n.Name], Created: n.CreationTimestamp.Time,
			Ready: ready(n), Deleting: deleting(n), Keep: n.Annotations[annotationScaleDownDisabled] == "true",
		})
	}
	budgets := o.budgets()
	s.Budgets = budgets.all
	daemonSets := byName(o.DaemonSets)
	specs := make([]simulate.Spec, len(daemonSets))
	for i, ds := range daemonSets {
		specs[i] = daemonSpec(ds)
	}
	t.update(o, &budgets, specs)
	s.Classes, s.Pods = t.classes, t.listed()
	for i, ds := range daemonSets {
		s.DaemonSets = append(s.DaemonSets, plan.DaemonSet{Name: ds.Namespace + "/" + ds.Name, Class: t.classes.Intern(specs[i])})
	}
	return s
}

// listed are the pods of the Snapshot.
func (t *Translator) listed() []plan.Pod {
	if !t.stale {
		return t.snapshot
	}
	t.snapshot, t.stale = t.snapshot[:0], false
	for _, p := range t.pods {
		if !p.finished {
			p.index = len(t.snapshot)
			t.snapshot = append(t.snapshot, p.pod)
			t.snapshot[p.index].OwnerMissing = p.owner != nil && p.owner.missing
		}
	}
	return t.snapshot
}

// ownerOf is the pod's controller; nil where it has none.
func (t *Translator) ownerOf(p *corev1.Pod) *owner {
	ref := metav1.GetControllerOfNoCopy(p)
	if ref == nil {
		return nil
	}
	name := ownerName{ref.Kind, p.Namespace, ref.Name}
	if t.owners[name] == nil {
		t.owners[name] = &owner{name: name}
	}
	return t.owners[name]
}

// checkOwners finds out which controllers do not exist.
func (t *Translator) checkOwners(o *Objects) {
	if len(t.owners) > 2*t.pruned+1000 {
		clear(t.owners)
		for _, p := range t.pods {
			if p.owner != nil {
				t.owners[p.owner.name] = p.owner
			}
		}
		t.pruned = len(t.owners)
	}
	for name, owner := range t.owners {
		missing := o.OwnerMissing != nil && o.OwnerMissing(name.kind, name.namespace, name.name)
		t.stale = t.stale || missing != owner.missing
		owner.missing = missing
	}
}

// classesPerFresh is by how much the classes may outgrow those that are in use.
const classesPerFresh = 2

// update brings the pods up to date.
func (t *Translator) update(o *Objects, b *budgets, daemons []simulate.Spec) {
	if t.classes == nil || t.classes.Len() > classesPerFresh*t.fresh+1000 || !maps.EqualFunc(t.namespaces, o.Namespaces, maps.Equal[map[string]string]) {
		t.forget(o)
	}
	changed := t.changed(o)
	specs := make([]simulate.Spec, 0, len(changed))
	for _, p := range changed {
		specs = append(specs, podSpec(p.object))
	}
	if !t.learn(specs) || !t.learn(daemons) { // a label matters now that did not when others were interned
		t.forget(o)
		changed = t.changed(o)
		specs = specs[:0]
		for _, p := range changed {
			specs = append(specs, podSpec(p.object))
		}
		t.learn(specs)
		t.learn(daemons)
	}
	for i, p := range changed {
		p.pod = podOf(p.object)
		p.pod.Class = t.classes.Intern(specs[i])
		p.pod.Budgets = b.of(p.object)
		p.owner = t.ownerOf(p.object)
	}
	if b.same != t.budgets {
		for _, p := range t.pods {
			p.pod.Budgets = b.of(p.object)
		}
		t.budgets, t.stale = b.same, true
	}
	t.checkOwners(o)
	if !t.stale { // only what pods are has changed
		for _, p := range changed {
			t.snapshot[p.index] = p.pod
			t.snapshot[p.index].OwnerMissing = p.owner != nil && p.owner.missing
		}
	}
	if t.fresh == 0 {
		t.fresh = t.classes.Len()
	}
}

// forget makes all be translated anew.
func (t *Translator) forget(o *Objects) {
	*t = Translator{
		classes: &simulate.Classes{}, namespaces: o.Namespaces, turn: t.turn,
		byName: map[types.NamespacedName]*translated{}, byObject: map[*corev1.Pod]*translated{},
		owners: map[ownerName]*owner{}, stale: true,
	}
	t.classes.SetNamespaces(o.Namespaces)
}

// learn is false when it comes too late for one of the Specs.
func (t *Translator) learn(specs []simulate.Spec) bool {
	for i := range specs {
		if t.classes.TooLate(&specs[i]) {
			return false
		}
		t.classes.Learn(&specs[i])
	}
	return true
}

// changed puts the pods in order, without those that are gone, and returns those that are to be translated, in
// the same order, so that classes are numbered alike each time.
func (t *Translator) changed(o *Objects) []*translated {
	t.turn++
	var out, added []*translated
	for _, object := range o.Pods {
		if p, same := t.byObject[object]; same { // what a cache holds is never changed, but replaced
			p.turn = t.turn
			continue
		}
		name := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		p, known := t.byName[name]
		if !known {
			p = &translated{}
			t.byName[name] = p
			added = append(added, p)
		}
		old := p.object
		delete(t.byObject, old)
		t.byObject[object] = p
		p.turn, p.object = t.turn, object
		if known && object.ResourceVersion != "" && old.ResourceVersion == object.ResourceVersion && old.UID == object.UID {
			continue
		}
		before, after := p.finished, finished(object)
		p.finished, t.stale = after, t.stale || before != after
		if !p.finished {
			out = append(out, p)
		}
	}
	t.pods = slices.DeleteFunc(t.pods, func(p *translated) bool {
		gone := p.turn != t.turn
		if gone {
			t.stale = true
			delete(t.byName, types.NamespacedName{Namespace: p.object.Namespace, Name: p.object.Name})
			delete(t.byObject, p.object)
		}
		return gone
	})
	t.stale = t.stale || len(added) > 0
	slices.SortFunc(added, order)
	slices.SortFunc(out, order)
	t.pods = merged(t.pods, added)
	return out
}

func order(a, b *translated) int {
	return cmp.Or(strings.Compare(a.object.Namespace, b.object.Namespace), strings.Compare(a.object.Name, b.object.Name))
}

// merged is both, which are in order, in order.
func merged(a, b []*translated) []*translated {
	if len(b) == 0 {
		return a
	}
	out := make([]*translated, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
