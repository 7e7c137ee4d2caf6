package kube

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Translator makes Snapshots one after another, and translates of each only the nodes and pods that have changed since
// the one before. A Snapshot is the same, but for the numbers of its classes, as one that was made from nothing; what
// has not changed it shares with the one before. The zero value is ready. It is not safe for concurrent use, and its
// next Snapshot must not be made while the last is used: they share their Classes.
type Translator struct {
	classes    *scheduling.Classes
	namespaces map[string]map[string]string
	// pods are those of the last Snapshot and the finished ones, in the order of their names; byName finds them.
	pods   []*translated
	byName map[types.NamespacedName]*translated
	// budgets is the text of the budgets whose indices the pods have.
	budgets string
	// owners are the controllers of the pods, and of some that are gone; pruned is how many there were when those
	// were last left out.
	owners map[ownerName]*owner
	pruned int
	// nodes are those of the last Snapshot by name.
	nodes map[string]*translatedNode
	// snapshot has the pods of the last Snapshot, unless it is stale.
	snapshot []*plan.Pod
	stale    bool
	// turned says that an owner has come or gone since the last Snapshot, or has other replicas.
	turned bool
	// fresh is how many classes there were when all was translated anew.
	fresh      int
	pluginPods pluginPods
	// expendableBelow is that of the Objects.
	expendableBelow int32
	// examples are those of groups, by the group, and exampleOn those of them whose node stands, by the node.
	examples, exampleOn map[string]*example
}

// translated is a pod as it was read.
type translated struct {
	name   string
	object *corev1.Pod
	pod    *plan.Pod
	owner  *owner
	// finished pods are not part of a Snapshot.
	finished bool
	// demand is the pod's Demand. withPlugins says that FilterPlugins decide on the pod.
	demand      string
	withPlugins bool
	// devices are the extended resources that it has by a claim for devices.
	devices kubesched.DeviceResources
}

type ownerName struct{ kind, namespace, name string }

// owner is a controller of pods, and whether it does not exist, or has too few replicas for them to be evicted.
type owner struct {
	name         ownerName
	missing, few bool
}

func (o *owner) isMissing() bool { return o != nil && o.missing }

func (o *owner) hasFew() bool { return o != nil && o.few }

// Snapshot translates the observation. Groups have what a node of theirs is in the place of what the provider says of it,
// where there is such a node.
func (t *Translator) Snapshot(o *Observation) *plan.Snapshot {
	s := t.translate(o.Objects, o.Groups, o.GroupOf, o.deleting())
	t.exemplify(s, o)
	return s
}

// translate makes a Snapshot in which the groups are as the provider describes them.
func (t *Translator) translate(o *Objects, groups []plan.Group, member map[string]string, deleting func(*corev1.Node) bool) *plan.Snapshot {
	s := &plan.Snapshot{}
	budgets := o.budgets()
	s.Budgets = budgets.all
	daemonSets := byName(o.DaemonSets)
	specs := make([]scheduling.Spec, len(daemonSets))
	for i, ds := range daemonSets {
		specs[i] = daemonSpec(ds)
	}
	t.pluginPods.groups, t.expendableBelow = groups, o.ExpendableBelow
	s.Pods = t.update(o, &budgets, specs)
	s.Classes = t.classes
	nodes := byName(o.Nodes)
	newNodes := t.newNodes(nodes, member)
	s.Nodes = t.translateNodes(nodes, &o.Taints, member, newNodes, deleting)
	s.Groups = t.profiled(o.Taints.templates(groups), newNodes)
	if t.pluginPods.snapshot != nil {
		s.FilterPlugins = t.pluginPods.snapshot
	}
	for i, ds := range daemonSets {
		s.DaemonSets = append(s.DaemonSets, plan.DaemonSet{Name: ds.Namespace + "/" + ds.Name, Class: t.classes.Intern(specs[i])})
	}
	return s
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

// checkOwners finds out which controllers do not exist, and which have too few replicas.
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
		few := o.FewReplicas != nil && o.FewReplicas(name.kind, name.namespace, name.name)
		if missing != owner.missing || few != owner.few {
			owner.missing, owner.few, t.turned = missing, few, true
		}
	}
}

// classesPerFresh is how many times as many classes there may be as are in use.
const classesPerFresh = 2

// update brings the pods up to date.
func (t *Translator) update(o *Objects, b *budgets, daemons []scheduling.Spec) []*plan.Pod {
	changes := t.changes(o)
	if t.classes == nil || t.classes.Len() > classesPerFresh*t.fresh+1000 || !maps.EqualFunc(t.namespaces, o.Namespaces, maps.Equal[map[string]string]) {
		changes = t.forget(o, changes)
	}
	changed, moved := t.apply(changes)
	changed = t.updateDemands(o, changed)
	specs := specsOf(changed)
	if !t.learn(specs) || !t.learn(daemons) { // a label matters now that did not when others were interned
		changed, moved = t.apply(t.forget(o, nil))
		changed = t.updateDemands(o, changed)
		specs = specsOf(changed)
		t.learn(specs)
		t.learn(daemons)
	}
	for i, p := range changed {
		pod := podOf(p.object)
		pod.Name = p.name // held once
		pod.Class = t.classes.Intern(specs[i])
		if p.withPlugins {
			pod.Constraint = scheduling.ConstraintWithPlugins(p.object)
		}
		p.pod, p.owner = &pod, t.ownerOf(p.object)
	}
	t.checkOwners(o)
	for _, p := range changed {
		p.pod.Budgets, p.pod.OwnerMissing, p.pod.FewReplicas = b.of(p.object), p.owner.isMissing(), p.owner.hasFew()
	}
	if b.same != t.budgets || t.turned {
		t.revise(b)
	}
	if t.fresh == 0 {
		t.fresh = t.classes.Len()
	}
	t.list(changed, moved)
	return t.snapshot
}

func specsOf(pods []*translated) []scheduling.Spec {
	specs := make([]scheduling.Spec, 0, len(pods))
	for _, p := range pods {
		s := podSpec(p.object)
		s.Demand = p.demand
		if p.devices != nil {
			s.Requests = p.devices.Without(s.Requests)
		}
		specs = append(specs, s)
	}
	return specs
}

// revise replaces the pods on which budgets or owners that have changed tell something else.
func (t *Translator) revise(b *budgets) {
	for _, p := range t.pods {
		if p.finished {
			continue
		}
		budgets, missing, few := b.of(p.object), p.owner.isMissing(), p.owner.hasFew()
		if missing != p.pod.OwnerMissing || few != p.pod.FewReplicas || !slices.Equal(budgets, p.pod.Budgets) {
			next := *p.pod
			next.Budgets, next.OwnerMissing, next.FewReplicas = budgets, missing, few
			p.pod, t.stale = &next, true
		}
	}
	t.budgets, t.turned = b.same, false
}

// forget begins anew. It returns the changes that make up all objects, so that each is translated again.
func (t *Translator) forget(o *Objects, changes podChanges) podChanges {
	all := make(podChanges, len(t.byName)+len(changes))
	for name, p := range t.byName {
		all[name] = p.object
	}
	maps.Copy(all, changes)
	*t = Translator{
		classes: &scheduling.Classes{}, namespaces: o.Namespaces,
		byName: map[types.NamespacedName]*translated{},
		nodes:  t.nodes, owners: map[ownerName]*owner{}, stale: true, pluginPods: pluginPods{cache: t.pluginPods.cache, groups: t.pluginPods.groups},
		examples: t.examples, exampleOn: t.exampleOn, expendableBelow: t.expendableBelow,
	}
	t.classes.SetNamespaces(o.Namespaces)
	return all
}

// learn is false when it comes too late for one of the Specs.
func (t *Translator) learn(specs []scheduling.Spec) bool {
	for i := range specs {
		if t.classes.TooLate(&specs[i]) {
			return false
		}
		t.classes.Learn(&specs[i])
	}
	return true
}

// Pod is the object behind a pod of the last Snapshot, by its name; nil where there is none.
func (t *Translator) Pod(name string) *corev1.Pod {
	if at, found := slices.BinarySearchFunc(t.pods, name, nameOrder); found {
		return t.pods[at].object
	}
	return nil
}
