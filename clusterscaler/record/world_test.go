package record

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/kubesched"
	"github.com/trimtab/trimtab/clusterscaler/kubesched/kubeschedtest"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/clusterscaler/scheduling/schedulingtest"
	"github.com/trimtab/trimtab/internal/config"
)

// world is a random cluster that a loop follows, and that changes from turn to turn.
type world struct {
	*rand.Rand
	now     time.Time
	nodes   []*corev1.Node
	pods    []*corev1.Pod
	daemons []*appsv1.DaemonSet
	budgets []*policyv1.PodDisruptionBudget
	spaces  map[string]map[string]string
	storage *kubesched.Objects
	groups  []plan.Group
	member  map[string]string
	going   map[string]bool
	policy  plan.Policy
	taints  kube.NodeTaints
	version int

	memory     plan.Memory
	translator kube.Translator
	planner    plan.Planner
}

func (w *world) one(in int) bool { return w.IntN(in) == 0 }

func draw[T any](w *world, from ...T) T { return from[w.IntN(len(from))] }

// at is a time as the API has it, in whole seconds.
func (w *world) at(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

// stamp gives the object the next version, and an age.
func (w *world) stamp(m *metav1.ObjectMeta) {
	w.version++
	m.ResourceVersion = fmt.Sprint(w.version)
	if m.UID == "" {
		m.UID = types.UID(fmt.Sprint("acme-uid-", w.version))
	}
	if m.CreationTimestamp.IsZero() {
		m.CreationTimestamp = w.at(w.now.Add(-time.Duration(w.IntN(4000)) * time.Second))
	}
}

// newWorld has volumes and devices in every second cluster, and terms of pods about each other in the rest.
func newWorld(r *rand.Rand) *world {
	w := &world{Rand: r, now: time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC), going: map[string]bool{}, member: map[string]string{}}
	if w.one(2) {
		c := kubeschedtest.Random(r)
		w.nodes, w.pods, w.storage = c.Nodes, c.Pods, &c.Objects
		w.spaces = map[string]map[string]string{"shop": {"team": "a"}}
	} else {
		c := schedulingtest.Random(r)
		w.nodes, w.pods, w.spaces = c.Nodes, c.Pods, c.Namespaces
		for i, p := range w.pods { // names of which one begins with the other, and then a dash
			p.Namespace = map[string]string{"default": "shop", "other": "shop-dev", "bare": "a"}[p.Namespace]
			if p.DeletionTimestamp != nil {
				p.DeletionTimestamp, p.DeletionGracePeriodSeconds = new(w.at(w.now.Add(time.Minute))), new(int64(30))
			}
			if len(w.nodes) > 0 && i%3 == 0 {
				p.Spec.NodeName = draw(w, w.nodes...).Name
			}
		}
		w.spaces = map[string]map[string]string{"shop": {"team": "a", corev1.LabelMetadataName: "shop"}, "shop-dev": {"team": "b"}, "a": nil}
	}
	w.prepare()
	w.drawPolicy()
	w.ownKeys()
	return w
}

// ownKeys lets keys of the cluster's own decide: of labels, of the type of GPU, of taints and of what new nodes lack.
func (w *world) ownKeys() {
	r := rand.New(rand.NewPCG(uint64(w.version), 9)) // the other draws stay as they are
	w.taints = kube.NodeTaints{Startup: []string{"spot"}}
	if r.IntN(2) == 0 {
		w.taints.StartupPrefixes, w.taints.Status = []string{"acme.example/boot-", "startup-taint.cluster-autoscaler.kubernetes.io/acme"}, []string{"acme.example/busy"}
	}
	if r.IntN(3) == 0 {
		w.policy.GPULabel = "acme.example/gpu"
		w.policy.GPUs = []plan.Limit{{Type: "nvidia-a100", Range: plan.Range{Max: 4}}}
	}
	if r.IntN(3) == 0 {
		w.policy.BalancingLabels = []string{"acme.example/tier", "lifecycle"}
	} else {
		w.policy.BalancingIgnoreLabels = []string{"acme.example/tier"}
	}
	for _, n := range w.nodes {
		n.Labels["acme.example/tier"], n.Labels["lifecycle"] = fmt.Sprint(r.IntN(2)), fmt.Sprint("acme-", r.IntN(3))
		n.Labels["node-restriction.kubernetes.io/acme"] = ""
		if r.IntN(2) == 0 {
			n.Labels["acme.example/gpu"] = "nvidia-a100"
		}
		if r.IntN(6) == 0 {
			key := []string{"acme.example/boot-net", "acme.example/busy", "acme.example/mine", "startup-taint.cluster-autoscaler.kubernetes.io/acme-agent"}[r.IntN(4)]
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule})
		}
	}
	for i := range w.groups {
		g := &w.groups[i]
		g.Template.Labels = maps.Clone(g.Template.Labels)
		g.Template.Labels["acme.example/tier"], g.Template.Labels["lifecycle"] = fmt.Sprint(r.IntN(2)), fmt.Sprint("acme-", r.IntN(3))
	}
	for _, p := range w.pods {
		if r.IntN(8) == 0 {
			p.Spec.NodeSelector = map[string]string{"acme.example/tier": fmt.Sprint(r.IntN(2))}
		}
		if r.IntN(6) == 0 {
			p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: "acme.example/mine", Operator: corev1.TolerationOpExists})
		}
		if r.IntN(8) == 0 {
			p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
				MaxSkew: 1, TopologyKey: "acme.example/tier", WhenUnsatisfiable: corev1.DoNotSchedule, MatchLabelKeys: []string{"app"},
				LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}},
			})
		}
	}
}

func (w *world) prepare() {
	for i, n := range w.nodes {
		w.stamp(&n.ObjectMeta)
		n.Spec.ProviderID = "cloud://" + n.Name
		n.Annotations = map[string]string{"secret": "hush", "cluster-autoscaler.kubernetes.io/scale-down-disabled": draw(w, "true", "false", "false", "false")}
		n.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: draw(w, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse),
			LastTransitionTime: w.at(w.now.Add(-time.Duration(w.IntN(200)) * time.Second)), Message: "hush",
		}}
		n.Status.Capacity = n.Status.Allocatable
		if i < 3 {
			g := plan.Group{Belief: fleet.Belief{Name: draw(w, "pool", "spot", "arm") + fmt.Sprint("-", i), Max: 1 + w.IntN(6), Min: w.IntN(2), Price: float64(w.IntN(3))}, Template: scheduling.NodeOf(n)}
			g.Template.Allocatable = scheduling.Resources{MilliCPU: 4000, Memory: 16 << 30, EphemeralStorage: 100 << 30, Pods: 20, Extended: []scheduling.Extended{{Name: "example.com/gpu", Amount: 2}}}
			g.Template.Name, g.Template.Taints, g.Template.Unschedulable, g.Capacity = "new-"+g.Name, nil, false, g.Template.Allocatable
			if w.one(6) {
				g.Options.UnneededTime, g.Options.AllOrNothing = new(config.Duration(time.Minute)), w.one(3)
			}
			w.groups = append(w.groups, g)
		}
		if !w.one(8) {
			g := &w.groups[w.IntN(len(w.groups))]
			w.member[n.Name] = g.Name
			g.Target++
		}
	}
	for i, p := range w.pods {
		w.stamp(&p.ObjectMeta)
		w.own(p)
		p.Annotations = map[string]string{"secret": "hush", "cluster-autoscaler.kubernetes.io/safe-to-evict": draw(w, "", "", "true", "false")}
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", Value: "hush"}}
		p.Spec.Containers[0].Args = []string{"--hush"}
		if w.one(4) {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				corev1.Volume{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "hush"}}})
			p.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"] = draw(w, "", "scratch", "other,scratch")
		}
		if p.Spec.NodeName == "" && w.one(3) {
			p.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("3")
		}
		if p.Spec.NodeName == "" && !w.one(5) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "hush"}}
		}
		if i%9 == 8 {
			p.Spec.Priority = new(int32(-100))
		}
	}
	for i := range w.IntN(3) {
		d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: draw(w, "shop", "a"), Name: fmt.Sprint("agent", i)}}
		w.stamp(&d.ObjectMeta)
		d.Spec.Template.Labels = map[string]string{"app": "agent"}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "agent", Image: "hush", Env: []corev1.EnvVar{{Name: "A", Value: "hush"}}, Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m")},
		}}}
		w.daemons = append(w.daemons, d)
	}
	for i := range w.IntN(3) {
		b := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: draw(w, "shop", "shop-dev"), Name: fmt.Sprint("budget", i)}}
		w.stamp(&b.ObjectMeta)
		b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": draw(w, "web", "db")}}
		b.Status.DisruptionsAllowed = w.Int32N(3)
		w.budgets = append(w.budgets, b)
	}
}

func (w *world) own(p *corev1.Pod) {
	kind := draw(w, "ReplicaSet", "ReplicaSet", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "")
	if kind != "" {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: fmt.Sprint("owner", w.IntN(3)), Controller: new(true)}}
	}
}

func (w *world) drawPolicy() {
	p := plan.DefaultPolicy()
	p.MilliCores.Max, p.Memory.Max = 0, 0
	p.Expanders = []plan.Expander{draw(w, plan.Expanders()...), draw(w, plan.Expanders()...)}
	p.Priorities = []plan.Priority{{Value: 10, Groups: []*regexp.Regexp{regexp.MustCompile("^s.*")}}, {Value: 5, Groups: []*regexp.Regexp{regexp.MustCompile("pool"), regexp.MustCompile("1$")}}}
	p.BalanceSimilar, p.ForceDaemonSets, p.EnforceMinSize, p.IgnoreTimers = w.one(3), w.one(2), w.one(2), w.one(2)
	p.UnneededTime, p.DelayAfterAdd, p.MaxNodeProvisionTime, p.MaxNodeStartupTime = 2*time.Minute, time.Minute, 3*time.Minute, 5*time.Minute
	if w.one(3) {
		p.Headroom = []plan.Headroom{{Name: "spare", Count: 2, Spec: scheduling.Spec{Requests: scheduling.Resources{MilliCPU: 500, Pods: 1}, Namespace: "shop"}}}
	}
	if w.one(4) {
		p.MaxNodesTotal = 6
	}
	p.UtilizationThreshold = draw(w, 0.3, 0.5, 0.9)
	w.policy = p
}

// observation is what a loop sees.
func (w *world) observation() kube.Observation {
	return kube.Observation{
		Objects: &kube.Objects{
			Nodes: slices.Clone(w.nodes), Pods: slices.Clone(w.pods), DaemonSets: w.daemons, Budgets: w.budgets, Namespaces: w.spaces, Storage: w.storage,
			ExpendableBelow: w.policy.ExpendablePodsPriorityCutoff, Taints: w.taints,
			OwnerMissing: func(kind, _, name string) bool { return kind == "StatefulSet" && name == "owner1" },
			FewReplicas:  func(kind, _, name string) bool { return kind == "ReplicaSet" && name == "owner2" },
		},
		Groups: slices.Clone(w.groups), GroupOf: w.member, Now: w.now, ExamplesFor: 10 * time.Minute,
		Deleting: func(n *corev1.Node) bool { return w.going[n.Name] },
	}
}

// loop decides once, as the loop of the cluster scaler does, and keeps what it was made of.
func (w *world) loop() (*Record, *plan.Plan, plan.Memory) {
	seen := w.observation()
	s := w.translator.Snapshot(&seen)
	r := &Record{Version: "test", Seen: seen, Memory: w.memory, Policy: w.policy, Owners: w.translator.Owners()}
	r.Seen.Examples = w.translator.Examples()
	objects := *seen.Objects
	objects.Pods, objects.OwnerMissing, objects.FewReplicas = w.translator.Pods(), nil, nil
	r.Seen.Objects = &objects
	p, next := w.planner.Decide(s, r.Memory, w.policy, w.now)
	for p.Question != nil {
		r.Memory = r.Memory.Answered(p.Question, []string{p.Question[len(p.Question)-1].Group})
		p, next = w.planner.Decide(s, r.Memory, w.policy, w.now)
	}
	w.planner.Reasons(s, r.Memory, w.policy, w.now).Fill(s, &p)
	r.Outcome = OutcomeOf(&p)
	w.memory = next
	return r, &p, next
}

// turn lets happen what the plan asked for, or not, and some time pass.
func (w *world) turn(p *plan.Plan) {
	for _, up := range p.ScaleUp {
		if w.one(3) {
			w.memory = w.memory.ScaleUpFailed(up.Group, fleet.Failure{Message: "out of capacity in hush"}, w.policy, w.now)
			continue
		}
		w.memory = w.memory.ScaledUp(up.Group, w.now)
		at := slices.IndexFunc(w.groups, func(g plan.Group) bool { return g.Name == up.Group })
		w.groups[at].Target = up.To
		if w.one(2) {
			w.groups[at].Unregistered = append(w.groups[at].Unregistered, fmt.Sprint("i-", w.version))
			w.version++
		}
	}
	for _, down := range p.ScaleDown {
		switch w.IntN(3) {
		case 0:
			w.going[down.Node] = true
		case 1:
			w.memory = w.memory.Deleted(down.Node, down.Group, w.now)
			w.going[down.Node] = true
		default:
			w.memory = w.memory.DeleteFailed(down.Node, down.Group, w.now)
		}
	}
	for i, n := range w.nodes {
		if w.one(5) {
			n = n.DeepCopy()
			w.stamp(&n.ObjectMeta)
			n.Spec.Unschedulable = w.one(3)
			n.Status.Conditions[0].Status = draw(w, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse)
			w.nodes[i] = n
		}
	}
	if len(w.nodes) > 1 && w.one(3) { // a node is lost, and its pods with it
		lost := w.nodes[w.IntN(len(w.nodes))].Name
		w.nodes = slices.DeleteFunc(slices.Clone(w.nodes), func(n *corev1.Node) bool { return n.Name == lost })
		w.pods = slices.DeleteFunc(slices.Clone(w.pods), func(p *corev1.Pod) bool { return p.Spec.NodeName == lost })
	}
	if len(w.pods) > 0 {
		at := w.IntN(len(w.pods))
		p := w.pods[at].DeepCopy()
		w.stamp(&p.ObjectMeta)
		if p.Spec.NodeName == "" && w.one(2) {
			p.Spec.NodeName = draw(w, w.nodes...).Name
		} else if w.one(3) {
			p.Status.Phase = corev1.PodSucceeded
		}
		w.pods = slices.Clone(w.pods)
		w.pods[at] = p
	}
	w.now = w.now.Add(time.Duration(20+w.IntN(120)) * time.Second)
}
