package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Resize moves the target of a group. A driver reads the size anew right before, and asks Grow or Lower what is left to do: somebody
// else may have moved it meanwhile.
type Resize struct {
	Group    string
	From, To int
	// Floor is how many nodes stand: whatever the cloud says, it is left at least these.
	Floor int
}

// Growth is how to let a group grow that is believed to have from nodes, in the numbers that the cloud tells.
func (m *Memory) Growth(group string, from, to int) Resize {
	told := m.Told[group].Size
	return Resize{Group: group, From: told, To: told + to - from}
}

// Grow is by how many nodes a group of that size has to grow: not by those by which it has meanwhile, and by no more than
// intended, so that what was removed meanwhile is not made again.
func (r *Resize) Grow(size int) int { return max(min(r.To-r.From, r.To-size), 0) }

// Lower is by how many nodes the target of a group of that size is lowered, and how many of those to give up are there or may
// still come. No instance that is listed goes with it.
func (r *Resize) Lower(size int, now []Instance) (by, left int) {
	want := max(min(r.From-r.To, size-r.To), 0)
	by = clamp(size-max(existing(now), r.Floor), want)
	return by, want - by
}

// Reason is why instances are deleted.
type Reason uint8

// The reasons.
const (
	Drained      Reason = iota // a node that is not needed, and has been drained
	CreateFailed               // an instance that cannot be made
	Unregistered               // an instance that has become no node in time
)

// Victim is an instance that is to be deleted.
type Victim struct {
	ID string
	// Node is the name of its node; empty where there is none.
	Node string
}

// Termination has instances of a group deleted; the target shrinks by as many. All are Drained, or none has a node. A driver reads
// the size, and the instances where CreateFailed, anew right before, and asks Check what may be deleted.
type Termination struct {
	Group   string
	Why     Reason
	Victims []Victim
	// Floor is the size below which the group must not fall: its minimum for Drained, else the nodes that stand.
	Floor int
}

// Refusals is the error of a driver to whom the cloud has said of some instances why it does not delete them, by their IDs.
type Refusals map[string]error

func (r Refusals) Error() string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(r)) {
		out = append(out, r[id].Error())
	}
	return strings.Join(out, "; ")
}

// Unwrap gives the reasons in the order of the IDs.
func (r Refusals) Unwrap() []error {
	var out []error
	for _, id := range slices.Sorted(maps.Keys(r)) {
		out = append(out, r[id])
	}
	return out
}

// Refused is why victims are not deleted that the cloud has not accepted to delete: for each what a driver's error says of it, else
// the error. Without an error there are none: what Check leaves out has nothing to be deleted for any more.
func (t *Termination) Refused(accepted []Victim, err error) map[Victim]error {
	out := map[Victim]error{}
	if err == nil {
		return out
	}
	each, _ := errors.AsType[Refusals](err)
	for _, v := range t.Victims {
		if !slices.Contains(accepted, v) {
			out[v] = cmp.Or(each[v.ID], err)
		}
	}
	return out
}

// Check is what may be deleted of a group of that size with these instances, which CreateFailed needs to know. Of what has failed
// only that goes which still has, as far as the size counts it beyond the nodes that stand and the instances that are well. Of the
// others all go or none. Some clouds count for a while what they are deleting: where the size may, it is taken for as much smaller.
// To delete again what is being deleted makes no group smaller.
func (t *Termination) Check(size int, now []Instance) ([]Victim, error) {
	if t.Why == CreateFailed {
		return t.failed(size, now), nil
	}
	deleting := map[string]bool{}
	for i := range now {
		if now[i].State == Deleting {
			deleting[now[i].ID] = true
		}
	}
	n := 0
	for _, v := range t.Victims {
		if !deleting[v.ID] {
			n++
		}
	}
	if now != nil && n > 0 {
		size -= clamp(size-existing(now), len(deleting))
	}
	if n > 0 && size-n < t.Floor {
		what := fmt.Sprintf("its minimum of %d", t.Floor)
		if t.Why == Unregistered {
			what = fmt.Sprintf("the %d nodes that stand", t.Floor)
		}
		return nil, fmt.Errorf("group %s: its size is %d by now; without %d of them it would be below %s", t.Group, size, n, what)
	}
	return t.Victims, nil
}

func (t *Termination) failed(size int, now []Instance) []Victim {
	var out []Victim
	for i := range now {
		if now[i].failed() && slices.ContainsFunc(t.Victims, func(v Victim) bool { return v.ID == now[i].ID }) {
			out = append(out, Victim{ID: now[i].ID})
		}
	}
	well := max(existing(now)-len(out), t.Floor)
	return out[:clamp(size-well, len(out))]
}

// existing is how many instances there are that are not being deleted.
func existing(now []Instance) int {
	n := 0
	for i := range now {
		if now[i].State != Deleting {
			n++
		}
	}
	return n
}

// clamp is n, but not below 0 and not above most.
func clamp(n, most int) int { return max(0, min(n, most)) }

// Drained deletes nodes of a group that have been drained. A node that is of another group, or of none, is an error.
func (v *View) Drained(group string, nodes []string) (Termination, error) {
	t := Termination{Group: group, Why: Drained, Floor: v.least[group]}
	for _, name := range nodes {
		switch of, known := v.Member[name]; {
		case !known:
			return Termination{}, fmt.Errorf("group %s: node %s is not known to be of any group", group, name)
		case of != group:
			return Termination{}, fmt.Errorf("group %s: node %s is of group %s", group, name, of)
		}
		t.Victims = append(t.Victims, Victim{v.ids[name], name})
	}
	return t, nil
}

// Failed deletes up to so many instances of a group that cannot be made.
func (v *View) Failed(group string, most int) Termination {
	t := Termination{Group: group, Why: CreateFailed, Floor: v.standing[group]}
	if b := v.group(group); b != nil {
		for _, f := range b.Failed[:min(most, len(b.Failed))] {
			if f.Instance != "" {
				t.Victims = append(t.Victims, Victim{ID: f.Instance})
			}
		}
	}
	return t
}

// Unregistered deletes instances of a group that have become no nodes in time. What is no instance without a node is left out.
func (v *View) Unregistered(group string, ids []string) Termination {
	t := Termination{Group: group, Why: Unregistered, Floor: v.standing[group]}
	b := v.group(group)
	for _, id := range ids {
		if b != nil && slices.Contains(b.Unregistered, id) {
			t.Victims = append(t.Victims, Victim{ID: id})
		}
	}
	return t
}

// Lower gives up nodes of a group that have not come.
func (v *View) Lower(group string, from, to int) Resize {
	return Resize{Group: group, From: from, To: to, Floor: v.standing[group]}
}

func (v *View) group(name string) *Belief {
	i := slices.IndexFunc(v.Groups, func(b Belief) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return &v.Groups[i]
}

// After is what the cloud would say of its groups once it has accepted to delete nodes: one look at it serves until the next.
func After(groups []Group, t Termination) []Group {
	groups = slices.Clone(groups)
	for i := range groups {
		if g := &groups[i]; g.Name == t.Group && g.Target != nil {
			g.Target = new(max(*g.Target-len(t.Victims), 0))
		}
	}
	return groups
}

// Joined is what the cloud would say of its groups by now: a node that has registered since it was asked is of the group that lists
// its instance, also where the cloud names the nodes itself. Else the group would await a node that stands.
func (v *View) Joined(groups []Group, nodes []Node) []Group {
	fresh, named := map[string]string{}, map[string]bool{}
	for i := range groups {
		for _, name := range groups[i].Nodes {
			named[name] = true
		}
	}
	for i := range nodes {
		if n := &nodes[i]; v.ids[n.Name] == "" && !named[n.Name] {
			fresh[n.id()] = n.Name
		}
	}
	if len(fresh) == 0 {
		return groups
	}
	of := map[string][]int{}
	for i := range groups {
		for _, instance := range groups[i].Instances {
			if _, is := fresh[instance.ID]; is && groups[i].Nodes != nil {
				of[instance.ID] = append(of[instance.ID], i)
			}
		}
	}
	groups = slices.Clone(groups)
	for id, in := range of {
		if len(in) == 1 { // else nobody knows whose node it is
			g := &groups[in[0]]
			g.Nodes = append(slices.Clip(g.Nodes), fresh[id])
		}
	}
	return groups
}
