package kubesched

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// Sitting follows the pods of one cluster. It implements scheduling.Sitting.
type Sitting struct {
	view *View
	// on lists the pods with demands on each node.
	on map[scheduling.NodeID][]held
	// taken counts how often each of a demand's pods is on a node.
	taken map[*demand]*ledger
	// using counts the pods that use a claim: an exclusive volume claim, or a device claim.
	using map[string]int
	// changed has the device claims that are other than in the View.
	changed map[types.NamespacedName]*resourcev1.ResourceClaim
	// gained are the holders of devices that were not in the View; one that has lost them again may still be there.
	gained holders
	// texts are what is taken of pools, as far as it is known.
	texts map[pool]takenText
	// bound are the free volumes that have been given to pods, and the nodes that have been chosen for claims.
	bound []*binding
}

// held is a pod on a node.
type held struct {
	demand *demand
	pod    int
	bound  *binding
}

// binding is that free volumes are bound to a pod's claims, or that its node is where they are made.
type binding struct {
	pod   *corev1.Pod
	node  string
	found *volumebinding.PodVolumes
	// assumed is what the plugin knows about it, while it does.
	assumed *volumebinding.PodVolumes
}

// Sitting implements scheduling.Judge.
func (v *View) Sitting() scheduling.Sitting {
	return &Sitting{
		view: v, on: map[scheduling.NodeID][]held{}, taken: map[*demand]*ledger{}, using: map[string]int{},
		changed: map[types.NamespacedName]*resourcev1.ResourceClaim{}, gained: holders{}, texts: map[pool]takenText{},
	}
}

const pluginNone = scheduling.Plugin("none")

// Fits implements scheduling.Sitting.
func (s *Sitting) Fits(key string, number scheduling.NodeID, n *scheduling.Node) scheduling.Refusal {
	v := s.view
	d := v.demands[key]
	if d == nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: "the pod's volumes and claims are not known yet"}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.placeOf(n)
	if !d.claiming() && !v.apart(p) { // else what its claims lack comes first
		if r := v.anyway(d, p); r.Plugin != "" || s.settled(d, number, p) {
			return r
		}
	}
	at := s.ledger(d).next()
	q, _, alike := s.question(d, at, s.nameOf(number, p), p)
	if a := v.deviceAnswers[q]; alike && a != nil {
		return a.refusal
	}
	r, _ := s.ask(d, at, number, p)
	if alike {
		v.rememberDevices(q, &deviceAnswer{refusal: r})
	}
	return r
}

// maxAnswers bounds how many answers are remembered.
const maxAnswers = 1 << 20

// apart is whether what is attached to the node cannot be told from what kind of node it is: claims name it.
func (v *View) apart(p *place) bool { return v.attached[p.node.Name] && v.selected[p.node.Name] }

// anyway is why pods of the demand never fit on a node of that kind. What is attached to the node does not matter to others of
// the kind, nor to a pod that shares a volume with one there: ask counts it.
func (v *View) anyway(d *demand, p *place) scheduling.Refusal {
	q := question{d, p.kind}
	r, known := v.answers[q]
	if known {
		return r
	}
	v.hold(nil)
	v.used.inUse = nil
	name := p.node.Name
	if v.attached[name] {
		name += " with nothing attached"
	}
	info, err := v.show(p, name, nil)
	if err != nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: err.Error()}
	}
	r, _ = v.plugins.ask(d.pods[0], info, v.plugins.volumes)
	r = v.withCause(r, d, 0, p.node)
	if len(v.answers) > maxAnswers {
		clear(v.answers)
	}
	v.answers[q] = r
	return r
}

func (v *View) rememberDevices(q deviceQuestion, a *deviceAnswer) {
	if len(v.deviceAnswers) > maxAnswers {
		clear(v.deviceAnswers)
	}
	v.deviceAnswers[q] = a
}

// settled is whether the pods on the nodes do not matter.
func (s *Sitting) settled(d *demand, number scheduling.NodeID, p *place) bool {
	crowded := len(s.on[number]) > 0 || s.view.attached[p.node.Name]
	return !d.binds && len(d.exclusive[0]) == 0 && !(crowded && (d.inline || p.limited))
}

// ledger counts for each pod of a demand how often it is on a node.
type ledger struct {
	counts []int
	// from is no more than the first that is on none.
	from int
}

func (s *Sitting) ledger(d *demand) *ledger {
	l := s.taken[d]
	if l == nil {
		l = &ledger{counts: make([]int, len(d.pods))}
		s.taken[d] = l
	}
	return l
}

func (l *ledger) add(pod, n int) {
	l.counts[pod] += n
	if l.counts[pod] == 0 {
		l.from = min(l.from, pod)
	}
}

// next is the pod that is asked about: the first that is on no node, else the last.
func (l *ledger) next() int {
	for l.from < len(l.counts) && l.counts[l.from] > 0 {
		l.from++
	}
	return min(l.from, len(l.counts)-1)
}

// ask asks the plugins about a pod, as the sitting stands.
func (s *Sitting) ask(d *demand, at int, number scheduling.NodeID, p *place) (scheduling.Refusal, fwk.CycleState) {
	v := s.view
	v.hold(s)
	own := d.exclusive[at]
	v.used.inUse = func(claim string) bool {
		others := s.using[claim]
		if slices.Contains(own, claim) {
			others -= s.ledger(d).counts[at] // a pod that is about to move is not in its own way
		}
		return others > 0
	}
	name := s.nameOf(number, p)
	var on []*corev1.Pod
	for _, h := range s.on[number] {
		on = append(on, h.demand.seen[h.pod])
	}
	info, err := v.show(p, name, on)
	if err != nil {
		return scheduling.Refusal{Plugin: pluginNone, Reason: err.Error()}, nil
	}
	list := v.plugins.crowding // anyway has asked the others
	if d.binds || d.claiming() || v.apart(p) {
		list = v.plugins.volumes
	}
	if d.claiming() {
		list = append(slices.Clone(list), v.plugins.devices)
		v.devices.slices = v.slices.of(name)
		if p.profile.like != "" { // it has none of its own, or not yet
			v.devices.slices = v.slices.likeNode(p.profile.like, name)
		}
	}
	r, state := v.plugins.ask(d.pods[at], info, list)
	return v.withCause(r, d, at, p.node), state
}

// nameOf tells copies of a node apart.
func (s *Sitting) nameOf(number scheduling.NodeID, p *place) string {
	if p.fresh {
		return fmt.Sprintf("%s-%d", p.node.Name, number)
	}
	return p.node.Name
}

// Put implements scheduling.Sitting.
func (s *Sitting) Put(key string, number scheduling.NodeID, n *scheduling.Node, leaves bool) (undo func()) {
	d := s.view.demands[key]
	if d == nil {
		return func() {}
	}
	s.view.mu.Lock()
	defer s.view.mu.Unlock()
	if leaves {
		return s.locked(s.leave(d, number))
	}
	return s.locked(s.come(d, number, n))
}

func (s *Sitting) locked(f func()) func() {
	return func() {
		s.view.mu.Lock()
		defer s.view.mu.Unlock()
		f()
	}
}

func (s *Sitting) come(d *demand, number scheduling.NodeID, n *scheduling.Node) (undo func()) {
	h := held{demand: d, pod: s.ledger(d).next()}
	back := func() {}
	if d.pods[h.pod].Spec.NodeName == n.Name && !n.IsCopy() {
		back = s.giveBack(d.devices[h.pod])
	}
	var allocated func()
	if (d.binds && d.pods[h.pod].Spec.NodeName == "") || s.unmet(d.devices[h.pod]) {
		h.bound, allocated = s.reserve(d, h.pod, number, n)
	}
	s.ledger(d).add(h.pod, 1)
	s.count(h, 1)
	s.on[number] = append(s.on[number], h)
	return func() {
		s.on[number] = s.on[number][:len(s.on[number])-1]
		s.count(h, -1)
		s.ledger(d).add(h.pod, -1)
		s.release(h.bound)
		if allocated != nil {
			allocated()
		}
		back()
	}
}

// count counts what the pod uses.
func (s *Sitting) count(h held, n int) {
	for _, claim := range h.demand.exclusive[h.pod] {
		s.using[claim] += n
	}
	for _, claim := range h.demand.devices[h.pod] {
		s.using[deviceKey(claim)] += n
	}
}

func deviceKey(claim types.NamespacedName) string { return "device " + claim.String() }

// leave takes the last pod of the demand that has come to the node.
func (s *Sitting) leave(d *demand, number scheduling.NodeID) (undo func()) {
	list := s.on[number]
	at := -1
	for i, h := range list {
		if h.demand == d {
			at = i
		}
	}
	if at < 0 {
		return func() {}
	}
	h := list[at]
	s.on[number] = slices.Delete(list, at, at+1)
	s.ledger(d).add(h.pod, -1)
	s.count(h, -1)
	s.release(h.bound)
	freed := s.free(h)
	return func() {
		freed()
		s.keep(h.bound)
		s.count(h, 1)
		s.ledger(d).add(h.pod, 1)
		s.on[number] = slices.Insert(s.on[number], at, h)
	}
}

// reserve gives the pod the free volumes and the devices that kube-scheduler would, if it fits.
func (s *Sitting) reserve(d *demand, at int, number scheduling.NodeID, n *scheduling.Node) (*binding, func()) {
	v := s.view
	p := v.placeOf(n)
	pod, name := d.pods[at], s.nameOf(number, p)
	q, pools, alike := s.question(d, at, name, p)
	if a := v.deviceAnswers[q]; alike && a != nil && (a.refusal.Plugin != "" || a.allocation != nil) {
		if a.refusal.Plugin != "" {
			return nil, nil
		}
		c := s.claim(d.devices[at][0]).DeepCopy()
		c.Status.Allocation = a.on(name, pools)
		return nil, s.change(c)
	}
	r, state := s.ask(d, at, number, p)
	if r.Plugin != "" || state == nil {
		return nil, nil
	}
	var undo func()
	if len(d.devices[at]) > 0 {
		undo = s.allocate(d.devices[at], pod, name, state)
	}
	if alike && len(d.devices[at]) == 1 && undo != nil {
		v.rememberDevices(q, &deviceAnswer{allocation: s.claim(d.devices[at][0]).Status.Allocation, pools: pools, node: name})
	}
	if !d.binds {
		return nil, undo
	}
	claims, err := v.plugins.binding.Binder.GetPodVolumeClaims(v.plugins.logger, pod)
	if err != nil {
		return nil, undo
	}
	named := p.node.DeepCopy()
	named.Name = name
	found, reasons, err := v.plugins.binding.Binder.FindPodVolumes(v.plugins.logger, pod, claims, named)
	if err != nil || len(reasons) > 0 || len(found.StaticBindings)+len(found.DynamicProvisions) == 0 {
		return nil, undo
	}
	b := &binding{pod: pod, node: name, found: found}
	s.keep(b)
	return b, undo
}

// keep notes a binding, which the plugin then knows.
func (s *Sitting) keep(b *binding) {
	if b == nil {
		return
	}
	s.bound = append(s.bound, b)
	if s.view.holder == s {
		s.view.assume(b)
	}
}

// release forgets a binding.
func (s *Sitting) release(b *binding) {
	if b == nil {
		return
	}
	s.bound = slices.DeleteFunc(s.bound, func(other *binding) bool { return other == b })
	held := b.assumed != nil
	s.view.forget(b)
	if held && len(b.found.DynamicProvisions) > 0 { // with it, what is known of claims that others share with the pod
		for _, other := range s.bound {
			s.view.assume(other)
		}
	}
}

// hold makes the plugins know the bindings of this sitting, and of no other, and its device claims.
func (v *View) hold(s *Sitting) {
	if s == v.holder {
		return
	}
	if v.holder != nil {
		for _, b := range v.holder.bound {
			v.forget(b)
		}
	}
	v.holder = s
	if s == nil {
		return
	}
	for _, b := range s.bound {
		v.assume(b)
	}
	v.devices.sitting = s
}

func (v *View) assume(b *binding) {
	again := *b.found // the plugin replaces what is in it
	b.assumed = &again
	if _, err := v.plugins.binding.Binder.AssumePodVolumes(v.plugins.logger, b.pod, b.node, b.assumed); err != nil {
		b.assumed = nil // the plugin knows nothing of it then
	}
}

func (v *View) forget(b *binding) {
	if b.assumed != nil {
		v.plugins.binding.Binder.RevertAssumedPodVolumes(b.assumed)
		b.assumed = nil
	}
}
