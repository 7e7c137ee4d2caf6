package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// builder reads the lines of a scenario; testdata/README.md describes them.
type builder struct {
	explain bool
	silent  []string
	t       *testing.T
	now     time.Time
	memory  Memory
	policy  Policy
	groups  []Group
	nodes   []*Node
	pods    []builtPod
	ds      []builtPod
	budget  []Budget
	sizes   map[string]bool // groups whose size was given
	looks   []string        // nodes that are looked at a second time
	scaleUpLines
}

type builtPod struct {
	Pod
	spec    scheduling.Spec
	budgets []string
}

func newBuilder(t *testing.T, now time.Time, m Memory) *builder {
	return &builder{t: t, now: now, memory: m.clone(), policy: DefaultPolicy(), sizes: map[string]bool{}}
}

// fields are the words of a line after its name: "key=value" or "flag".
type fields map[string]string

func (b *builder) line(line string) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return
	}
	if words[0] == "policy" {
		b.setPolicy(parseFields(words[1:]))
		return
	}
	if len(words) < 2 {
		b.t.Fatalf("cannot read %q", line)
	}
	name, f := words[1], parseFields(words[2:])
	switch words[0] {
	case "group":
		b.groups = replace(b.groups, func(g Group) bool { return g.Name == name }, b.group(name, f))
	case "node":
		for _, n := range b.copies(name, f) {
			b.nodes = replace(b.nodes, func(o *Node) bool { return o.Name == n }, b.node(n, f))
		}
	case "pod":
		for _, n := range b.copies(name, f) {
			b.pods = replace(b.pods, func(p builtPod) bool { return p.Name == n }, b.pod(n, f))
		}
	case "daemonset":
		b.ds = append(b.ds, b.pod(name, f))
	case "budget":
		b.budget = append(b.budget, Budget{Name: name, Allowed: int(b.number(f, "allowed", 0))})
	case "second-look":
		b.looks = strings.Split(name, ",")
	case "gone":
		b.pods = slices.DeleteFunc(b.pods, func(p builtPod) bool { return p.Name == name })
		b.nodes = slices.DeleteFunc(b.nodes, func(n *Node) bool { return n.Name == name })
	case "failed":
		b.memory = b.memory.ScaleUpFailed(name, fleet.Failure{Message: "no capacity"}, b.policy, b.now.Add(-b.duration(f, "ago", 0)))
	case "remember":
		b.remember(name, f)
	default:
		if !b.scaleUpLine(words[0], name, f) {
			b.t.Fatalf("cannot read %q", line)
		}
	}
}

func replace[T any](list []T, same func(T) bool, with T) []T {
	if i := slices.IndexFunc(list, same); i >= 0 {
		list[i] = with
		return list
	}
	return append(list, with)
}

func parseFields(words []string) fields {
	f := fields{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		f[key] = value
	}
	return f
}

func (f fields) has(key string) bool { _, has := f[key]; return has }

// copies are the names web-1 to web-3 for "web x=3", or the name itself.
func (b *builder) copies(name string, f fields) []string {
	if !f.has("x") {
		return []string{name}
	}
	var out []string
	for i := range int(b.number(f, "x", 1)) {
		out = append(out, fmt.Sprintf("%s-%d", name, i+1))
	}
	return out
}

func (b *builder) group(name string, f fields) Group {
	g := Group{Belief: fleet.Belief{Name: name, Min: int(b.number(f, "min", 0)), Max: int(b.number(f, "max", 10)), Target: int(b.number(f, "size", 0))}}
	b.sizes[name] = f.has("size")
	g.Template = scheduling.Node{Name: "new " + name, Labels: pairs(f["labels"]), Taints: taints(f["taints"]), Allocatable: b.resources(f), Features: split(f["features"])}
	g.Capacity = g.Template.Allocatable
	b.options(&g.Options, f)
	for i := range int(b.number(f, "failed", 0)) {
		g.Failed = append(g.Failed, fleet.Failed{Instance: fmt.Sprint("i-", i), Failure: fleet.Failure{Message: "out of capacity"}})
	}
	g.Trouble = f["trouble"]
	if f.has("price") {
		price, err := strconv.ParseFloat(f["price"], 64)
		if err != nil {
			b.t.Fatal(err)
		}
		g.Price = price
	}
	return g
}

func (b *builder) node(name string, f fields) *Node {
	n := &Node{Group: f["group"], Ready: !f.has("unready"), Deleting: f.has("deleting"), Keep: f.has("keep")}
	n.Created = b.now.Add(-b.duration(f, "age", 24*time.Hour))
	if f.has("silent") {
		b.silent = append(b.silent, name)
	}
	if f["deleting"] != "" {
		n.DeletingSince = b.now.Add(-b.duration(f, "deleting", 0))
	}
	n.Node = scheduling.Node{Name: name, Labels: pairs(f["labels"]), Taints: taints(f["taints"]), Unschedulable: f.has("cordoned"), Allocatable: b.resources(f), Features: split(f["features"])}
	if i := slices.IndexFunc(b.groups, func(g Group) bool { return g.Name == n.Group }); i >= 0 {
		template := b.groups[i].Template
		if !f.has("cpu") {
			n.Allocatable = template.Allocatable
		}
		if !f.has("labels") {
			n.Labels = maps.Clone(template.Labels)
		}
		if !f.has("taints") {
			n.Taints = template.Taints
		}
	}
	n.Capacity = n.Allocatable
	n.Labels["kubernetes.io/hostname"] = name
	return n
}

func (b *builder) pod(name string, f fields) builtPod {
	p := builtPod{Pod: Pod{
		Name: name, Node: f["on"], Owner: "ReplicaSet", State: Pending, Priority: int32(b.number(f, "priority", 0)),
		Created: b.now.Add(-b.duration(f, "age", time.Minute)), Delay: b.duration(f, "delay", 0), Grace: b.duration(f, "grace", 30*time.Second),
		Constraint: strings.ReplaceAll(f["constraint"], "_", " "), Mirror: f.has("mirror"), OwnerMissing: f.has("ownerless"), AsDaemon: f.has("daemon"), FewReplicas: f.has("few"),
	}}
	if f.has("owner") {
		p.Owner = strings.TrimPrefix(f["owner"], "none")
	}
	switch {
	case f.has("on"):
		p.State = Bound
	case f.has("gated"):
		p.State = Gated
	case f.has("unseen"):
		p.State = Unseen
	case f.has("nominated"):
		p.State, p.Node = Preempting, f["nominated"]
	}
	switch f["evict"] {
	case "true":
		p.Eviction = EvictionSafe
	case "false":
		p.Eviction = EvictionUnsafe
	case "on-completion":
		p.Eviction = EvictionOnCompletion
	}
	if f.has("deleted") {
		p.Deleted = b.now.Add(-b.duration(f, "deleted", 0))
	}
	if f.has("local") {
		p.LocalVolumes = []string{f["local"]}
	}
	if f.has("budget") {
		p.budgets = strings.Split(f["budget"], ",")
	}
	p.spec = scheduling.Spec{Requests: b.resources(f)}
	p.spec.Requests.Pods = 1
	p.spec.Features = split(f["needs"])
	b.terms(&p.spec, name, f)
	for key, value := range pairs(f["selector"]) {
		p.spec.NodeSelector = append(p.spec.NodeSelector, scheduling.Requirement{Key: key, Operator: scheduling.In, Values: []string{value}})
	}
	for _, key := range split(f["tolerate"]) {
		p.spec.Tolerations = append(p.spec.Tolerations, scheduling.Toleration{Key: key, Exists: true})
	}
	if f.has("port") {
		p.spec.HostPorts = []scheduling.HostPort{{Protocol: "TCP", Port: int32(b.number(f, "port", 0))}}
	}
	return p
}

// remember sets what earlier loops have left: "remember unneeded n1=15m", "remember scale-up ago=5m".
func (b *builder) remember(what string, f fields) {
	ago := b.now.Add(-b.duration(f, "ago", 0))
	switch what {
	case "unneeded":
		for node := range f {
			b.memory.UnneededSince[node] = b.now.Add(-b.duration(f, node, 0))
		}
	case "scale-up":
		b.memory = b.memory.ScaledUp(f["group"], ago)
		delete(b.memory.AwaitedSince, f["group"])
	case "deletion":
		b.memory = b.memory.Deleted(f["node"], f["group"], ago)
	case "failure":
		b.memory = b.memory.DeleteFailed("", f["group"], ago)
	case "awaited":
		for group := range f {
			b.memory.AwaitedSince[group] = b.now.Add(-b.duration(f, group, 0))
		}
	default:
		b.t.Fatalf("cannot remember %q", what)
	}
}

// snapshot is what the lines describe. A group without a size has that of its nodes.
func (b *builder) snapshot() *Snapshot {
	s := &Snapshot{Classes: &scheduling.Classes{}, Nodes: slices.Clone(b.nodes), Budgets: b.budget, Groups: slices.Clone(b.groups)}
	for i := range s.Groups {
		g := &s.Groups[i]
		g.Silent = b.silent
		for _, n := range b.nodes {
			if n.Group == g.Name && !b.sizes[g.Name] {
				g.Target++
			}
		}
	}
	for _, p := range slices.Concat(b.pods, b.ds, b.runs) {
		s.Classes.Learn(&p.spec)
	}
	for _, p := range b.pods {
		pod := p.Pod
		pod.Class = s.Classes.Intern(p.spec)
		for _, name := range p.budgets {
			pod.Budgets = append(pod.Budgets, slices.IndexFunc(b.budget, func(o Budget) bool { return o.Name == name }))
		}
		s.Pods = append(s.Pods, &pod)
	}
	b.finish(s)
	for _, d := range b.ds {
		s.DaemonSets = append(s.DaemonSets, DaemonSet{Name: d.Name, Class: s.Classes.Intern(d.spec)})
	}
	return s
}

func (b *builder) setPolicy(f fields) {
	for key := range f {
		switch key {
		case "expander":
			b.policy.Expanders = nil
			for _, e := range split(f[key]) {
				b.policy.Expanders = append(b.policy.Expanders, Expander(e))
			}
		case "maxNodesTotal":
			b.policy.MaxNodesTotal = int(b.number(f, key, 0))
		case "priorities":
			b.policy.Priorities = priorities(b.t, f[key])
		case "cores":
			b.policy.MilliCores = bounds(b.t, f[key], 1000)
		case "memory":
			b.policy.Memory = bounds(b.t, f[key], 1<<30)
		case "maxNodesPerScaleup":
			b.policy.MaxNodesPerScaleUp = int(b.number(f, key, 0))
		case "maxDrainParallelism":
			b.policy.MaxDrainParallelism = int(b.number(f, key, 0))
		case "maxScaleDownParallelism":
			b.policy.MaxParallelism = int(b.number(f, key, 0))
		case "newPodScaleUpDelay":
			b.policy.NewPodScaleUpDelay = b.duration(f, key, 0)
		case "scaleDownDelayTypeLocal":
			b.policy.DelayTypeLocal = true
		case "scaleDownEnabled":
			b.policy.ScaleDownEnabled = f[key] == "true"
		case "scaleDownUnreadyEnabled":
			b.policy.UnreadyEnabled = f[key] == "true"
		case "skipNodesWithCustomControllerPods":
			b.policy.SkipCustomControllers = f[key] == "true"
		case "ignoreDaemonsetsUtilization":
			b.policy.IgnoreDaemonSets = f[key] == "true"
		case "okTotalUnreadyCount":
			b.policy.OkTotalUnreadyCount = int(b.number(f, key, 0))
		case "maxTotalUnreadyPercentage":
			b.policy.MaxTotalUnreadyPercentage = float64(b.number(f, key, 0))
		case "explain":
			b.explain = true
		case "balanceSimilarNodeGroups":
			b.policy.BalanceSimilar = true
		case "balancingIgnoreLabel":
			b.policy.BalancingIgnoreLabels = split(f[key])
		case "balancingLabel":
			b.policy.BalancingLabels = split(f[key])
		case "enforceNodeGroupMinSize":
			b.policy.EnforceMinSize = true
		case "ignoreTimers":
			b.policy.IgnoreTimers = true
		default:
			if !b.scaleUpPolicy(key, f) {
				b.t.Fatalf("unknown policy %q", key)
			}
		}
	}
}

func (b *builder) resources(f fields) scheduling.Resources {
	r := scheduling.Resources{Pods: b.number(f, "pods", 110)}
	r.MilliCPU = b.quantity(f, "cpu", "0").MilliValue()
	r.Memory = b.quantity(f, "memory", "0").Value()
	if f.has("gpu") {
		r.Extended = []scheduling.Extended{{Name: "nvidia.com/gpu", Amount: b.number(f, "gpu", 0)}}
	}
	return r
}

func (b *builder) quantity(f fields, key, otherwise string) *resource.Quantity {
	text := otherwise
	if f.has(key) {
		text = f[key]
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		b.t.Fatalf("%s=%s: %v", key, text, err)
	}
	return &q
}

func (b *builder) number(f fields, key string, otherwise int64) int64 {
	if !f.has(key) {
		return otherwise
	}
	n, err := strconv.ParseInt(f[key], 10, 64)
	if err != nil {
		b.t.Fatalf("%s: %v", key, err)
	}
	return n
}

func (b *builder) duration(f fields, key string, otherwise time.Duration) time.Duration {
	if !f.has(key) {
		return otherwise
	}
	d, err := time.ParseDuration(f[key])
	if err != nil {
		b.t.Fatalf("%s: %v", key, err)
	}
	return d
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// pairs reads "disk:ssd,zone:a".
func pairs(list string) map[string]string {
	out := map[string]string{}
	for _, p := range split(list) {
		key, value, _ := strings.Cut(p, ":")
		out[key] = value
	}
	return out
}

func taints(list string) []scheduling.Taint {
	var out []scheduling.Taint
	for _, key := range split(list) {
		out = append(out, scheduling.Taint{Key: key, Effect: scheduling.NoSchedule})
	}
	return out
}
