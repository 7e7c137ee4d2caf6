package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
)

// Belief is a group as a decision takes it to be: what a cloud says may be missing, late or contradict itself, and this is not.
type Belief struct {
	Name string
	// Min and Max bound Target, the number of nodes that the cloud works towards. Where they are equal to it the group stands still.
	Min, Max, Target int
	// Places are where and of what its nodes come; empty where that is not known.
	Places []string
	// Price is per node and hour in any currency; 0 is unknown.
	Price float64
	// Options are what the group has other than the configuration says.
	Options group.Options
	// Failed are nodes that were to come and of which the cloud says that they will not, each with the reason. Those of them
	// that Target counts are given up.
	Failed []Failed
	// Unregistered are the IDs of the other instances without a node that Target counts, each once.
	Unregistered []string
	// Silent are the nodes of which the cloud does not say whether it is deleting them.
	Silent []string
	// Trouble is why the group cannot grow, in the cloud's words; empty for most.
	Trouble string
}

// View is what is believed of the groups of a cloud, in its order, and of the nodes.
type View struct {
	Groups []Belief
	// Templates are what a new node of each of the Groups is; nil where the cloud does not know.
	Templates []*corev1.Node
	// Member has the group of each node that has one. A node that the cloud says it is deleting has none.
	Member map[string]string
	// least is the minimum of each group as the cloud tells it, standing how many nodes its Target counts that stand, and ids
	// what the instances of the nodes are called.
	least, standing map[string]int
	ids             map[string]string
}

// staleAge is for how long a cloud that accepted to let a group grow may still tell the size from before: some remember what
// they said. Meanwhile the size that it accepted is believed, so that no pod is answered twice.
const staleAge = time.Minute

// Judge says what to believe of the groups. The Memory that it returns is that of the next call; the one given in is not
// changed.
func Judge(groups []Group, nodes []Node, m Memory, p Policy, now time.Time) (View, Memory) {
	j := judgement{m, p, now}
	v := View{
		Groups: make([]Belief, len(groups)), Templates: make([]*corev1.Node, len(groups)), Member: membersOf(groups, nodes), ids: make(map[string]string, len(nodes)),
		least: make(map[string]int, len(groups)), standing: make(map[string]int, len(groups)),
	}
	standing := make(map[string]bool, len(nodes))
	of := map[string][]string{}
	for i := range nodes {
		n := &nodes[i]
		standing[n.id()] = true
		v.ids[n.Name] = n.id()
		if group, ours := v.Member[n.Name]; ours && !(n.Deleting && m.Gone(n.Name, &p, now)) {
			of[group] = append(of[group], n.Name)
		}
	}
	silent := silentOf(groups, nodes, v.Member)
	told, promises := make(map[string]Told, len(groups)), map[string]Promise{}
	for i := range groups {
		g := &groups[i]
		known := Told{Size: m.Told[g.Name].Size, Nodes: of[g.Name]}
		if g.Target != nil {
			known.Size = *g.Target
		}
		b := &v.Groups[i]
		v.Templates[i] = g.Template
		*b = Belief{
			Name: g.Name, Min: g.Min, Max: g.Max, Places: placesOf(g), Price: g.Price, Options: g.Options, Silent: silent[g.Name],
		}
		b.Failed, b.Unregistered = j.withoutNode(g, standing)
		known.Unregistered = b.Unregistered
		promise, doubt := j.believe(g, b, &known)
		if promise != nil {
			promises[g.Name] = *promise
		}
		b.Trouble = cmp.Or(g.Trouble, doubt)
		j.bound(g, b, len(known.Nodes))
		told[g.Name], v.least[g.Name], v.standing[g.Name] = known, g.Min, len(known.Nodes)
	}
	for name, promise := range m.Promises { // of a group that the cloud does not name now, and may again
		if _, named := told[name]; !named && now.Sub(promise.At) < max(staleAge, p.MaxNodeProvisionTime) {
			promises[name] = promise
		}
	}
	m.Told, m.Promises = told, promises
	return v, m
}

type judgement struct {
	memory Memory
	policy Policy
	now    time.Time
}

// membersOf is the group of each node that has one.
func membersOf(groups []Group, nodes []Node) map[string]string {
	named, instances := map[string]string{}, map[string]string{}
	twice, deleting := map[string]bool{}, map[string]bool{}
	for i := range groups {
		g := &groups[i]
		for _, name := range g.Nodes {
			named[name] = g.Name
		}
		for _, instance := range g.Instances {
			if instance.State == Deleting {
				deleting[instance.ID] = true
			}
			if g.Nodes != nil {
				continue
			}
			if other, known := instances[instance.ID]; known && other != g.Name {
				twice[instance.ID] = true // nobody knows whose node it is
			}
			instances[instance.ID] = g.Name
		}
	}
	out := make(map[string]string, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		group, ours := named[n.Name]
		if !ours && !twice[n.id()] {
			group, ours = instances[n.id()]
		}
		if ours && !deleting[n.id()] {
			out[n.Name] = group
		}
	}
	return out
}

// silentOf has for each group the nodes of whose instances the cloud tells no state.
func silentOf(groups []Group, nodes []Node, member map[string]string) map[string][]string {
	told := map[string]bool{}
	for i := range groups {
		for _, instance := range groups[i].Instances {
			if instance.State != Unspecified {
				told[instance.ID] = true
			}
		}
	}
	out := map[string][]string{}
	for i := range nodes {
		if group, ours := member[nodes[i].Name]; ours && !told[nodes[i].id()] {
			out[group] = append(out[group], nodes[i].Name)
		}
	}
	return out
}

// withoutNode are the instances that no node stands for. While the cloud does not list them the last stay known, but not that
// one has failed.
func (j *judgement) withoutNode(g *Group, standing map[string]bool) (failed []Failed, unregistered []string) {
	if g.Instances == nil {
		last := j.memory.Told[g.Name].Unregistered
		return nil, slices.DeleteFunc(slices.Clone(last), func(id string) bool { return standing[id] })
	}
	for i := range g.Instances {
		switch instance := &g.Instances[i]; {
		case standing[instance.ID] || instance.State == Deleting:
		case instance.failed():
			failed = append(failed, Failed{instance.ID, *instance.Failure})
		default:
			unregistered = append(unregistered, instance.ID)
		}
	}
	return failed, unregistered
}

// believe finds the size of a group that a decision rests on, and what is left of a promise. A doubt keeps the group from
// growing: the next best does. Nodes of which there is no instance have failed when the cloud says so, and has since they were
// asked for.
func (j *judgement) believe(g *Group, b *Belief, known *Told) (left *Promise, doubt string) {
	b.Target, left, doubt = j.promised(g, known)
	there := len(known.Nodes)
	if g.Instances != nil {
		there += len(b.Failed) + len(b.Unregistered)
	}
	if b.Target > max(g.Max, there) {
		doubt = fmt.Sprintf("the cloud says that it has %d nodes, more than its maximum of %d, and there are %d", b.Target, g.Max, there)
		b.Target = there
	}
	since, awaited := j.memory.AwaitedSince[g.Name]
	if f := g.Failure; f != nil && awaited && (f.At.IsZero() || !f.At.Before(since.Truncate(time.Second))) {
		for range b.Target - there {
			b.Failed = append(b.Failed, Failed{Failure: *f})
		}
	}
	return left, doubt
}

// promised is the size that the cloud told, or the one that it has accepted a moment ago. As long as promised nodes have not
// come, one that counts fewer than stand and come does not hide that they are on their way: else each loop would ask for them
// again. One that the cloud accepted and does not tell is a doubt until requested nodes would be given up.
func (j *judgement) promised(g *Group, known *Told) (size int, left *Promise, doubt string) {
	p, made := j.memory.Promises[g.Name]
	if !made {
		return known.Size, nil, ""
	}
	coming := p.By
	stood := make(map[string]bool, len(p.Stood))
	for _, name := range p.Stood {
		stood[name] = true
	}
	for _, name := range known.Nodes {
		if !stood[name] {
			coming--
		}
	}
	coming = max(coming, 0)
	provision := j.policy.MaxNodeProvisionTime
	if own := g.Options.MaxNodeProvisionTime; own != nil {
		provision = own.Std()
	}
	age, told, counted := j.now.Sub(p.At), g.Target != nil && known.Size >= p.Size, len(known.Nodes)+coming
	switch {
	case coming == 0, told && known.Size >= counted, age >= max(staleAge, provision):
		return known.Size, nil, ""
	case told, age < staleAge:
		return max(known.Size, p.Size, min(counted, g.Max)), &p, ""
	default:
		return known.Size, &p, fmt.Sprintf("the cloud accepted to let it grow to %d nodes %s ago, and says %d", p.Size, age.Round(time.Second), known.Size)
	}
}

// bound lets a group neither grow nor shrink where that is not known to be right, and grow no further than there is room.
func (j *judgement) bound(g *Group, b *Belief, standing int) {
	if g.OptionsUnknown {
		b.Min = max(b.Min, b.Target)
	}
	switch {
	case g.Room == nil:
	case *g.Room <= 0, g.Options.AllOrNothing && *g.Room < g.Max-b.Target:
		b.Trouble = cmp.Or(b.Trouble, g.RoomWhy, "the cloud has no room for more of its nodes")
	default:
		b.Max = min(b.Max, b.Target+*g.Room)
	}
	if g.Unknown == "" && g.Target != nil {
		return
	}
	if g.Target == nil && b.Target == 0 {
		b.Target = standing
	}
	b.Trouble, b.Min, b.Max = cmp.Or(g.Unknown, "the cloud does not say how large it is"), b.Target, b.Target
}

// placesOf are the places of a group whose machines are of one type.
func placesOf(g *Group) []string {
	if g.Template == nil {
		return nil
	}
	machine, zones := g.Template.Labels[corev1.LabelInstanceTypeStable], g.Zones
	if zone := g.Template.Labels[corev1.LabelTopologyZone]; len(zones) == 0 && zone != "" {
		zones = []string{zone}
	}
	if machine == "" {
		return nil
	}
	var out []string
	for _, zone := range zones {
		out = append(out, Place(zone, machine))
	}
	return out
}
