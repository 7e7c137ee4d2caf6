package scheduling

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

func antiAffinity(terms ...corev1.PodAffinityTerm) *corev1.Affinity {
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
}

func TestConstraintsThatAreNotModelledAreRecognised(t *testing.T) {
	volume := func(v corev1.VolumeSource) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: v}}}
	}
	for _, c := range []struct {
		spec corev1.PodSpec
		want string
	}{
		{corev1.PodSpec{}, ""},
		{volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}), ""},
		{volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}), ""},
		{volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}), "volume v"},
		{volume(corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}), "volume v"},
		{volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}), "volume v"},
		{volume(corev1.VolumeSource{}), "volume v"}, // a kind not known yet
		{corev1.PodSpec{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{WhenUnsatisfiable: corev1.DoNotSchedule}}}, ""},
		{corev1.PodSpec{Affinity: antiAffinity(corev1.PodAffinityTerm{})}, ""},
		{corev1.PodSpec{ResourceClaims: []corev1.PodResourceClaim{{}}}, "resource claims"},
		{corev1.PodSpec{SchedulingGroup: &corev1.PodSchedulingGroup{}}, "scheduling group"},
	} {
		if got := Constraint(&corev1.Pod{Spec: c.spec}); got != c.want {
			t.Errorf("%+v: %q, want %q", c.spec, got, c.want)
		}
	}
}

// The anti-affinity of a pod that runs reaches pods by namespace and labels.
func TestAntiAffinityReaches(t *testing.T) {
	web := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	notDB := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"db"}}}}
	for _, c := range []struct {
		name      string
		term      corev1.PodAffinityTerm
		namespace string
		labels    map[string]string
		want      bool
	}{
		{"own namespace", corev1.PodAffinityTerm{LabelSelector: web}, "default", map[string]string{"app": "web"}, true},
		{"other labels", corev1.PodAffinityTerm{LabelSelector: web}, "default", map[string]string{"app": "db"}, false},
		{"other namespace", corev1.PodAffinityTerm{LabelSelector: web}, "other", map[string]string{"app": "web"}, false},
		{"named namespace", corev1.PodAffinityTerm{LabelSelector: web, Namespaces: []string{"other"}}, "other", map[string]string{"app": "web"}, true},
		{"namespace by its labels", corev1.PodAffinityTerm{LabelSelector: web, NamespaceSelector: web}, "third", map[string]string{"app": "web"}, true},
		{"namespace with other labels", corev1.PodAffinityTerm{LabelSelector: web, NamespaceSelector: web}, "other", map[string]string{"app": "web"}, false},
		{"not in", corev1.PodAffinityTerm{LabelSelector: notDB}, "default", nil, true},
		{"not in, but is", corev1.PodAffinityTerm{LabelSelector: notDB}, "default", map[string]string{"app": "db"}, false},
		{"no selector reaches none", corev1.PodAffinityTerm{}, "default", nil, false},
		{"an empty selector reaches all", corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{}}, "default", nil, true},
		{"the owner's own value of a key", corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{}, MatchLabelKeys: []string{"app"}}, "default", map[string]string{"app": "owner"}, true},
		{"another value of the key", corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{}, MatchLabelKeys: []string{"app"}}, "default", map[string]string{"app": "web"}, false},
		{"any but the owner's own value", corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{}, MismatchLabelKeys: []string{"app"}}, "default", map[string]string{"app": "owner"}, false},
	} {
		c.term.TopologyKey = "zone"
		owner := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "owner", Labels: map[string]string{"app": "owner"}},
			Spec:       corev1.PodSpec{Affinity: antiAffinity(c.term)},
		}
		var classes Classes
		classes.SetNamespaces(map[string]map[string]string{"third": {"app": "web"}})
		holder := classes.Intern(SpecOf(owner))
		other := classes.Intern(Spec{Namespace: c.namespace, Labels: c.labels})
		cluster := NewCluster(&classes)
		node := &Node{Labels: map[string]string{"zone": "a"}, Allocatable: Resources{Pods: 10}}
		first, second := cluster.AddNode(node), cluster.AddNode(node)
		cluster.Place(holder, first, 1)
		if got := cluster.Fits(other, second); (got.Code == RepelledByPods) != c.want {
			t.Errorf("%s: %q, want repelled %t", c.name, got.Code, c.want)
		}
	}
}

func TestMisfitsNameTheNumbers(t *testing.T) {
	for _, c := range []struct {
		misfit Misfit
		want   string
	}{
		{Misfit{Code: InsufficientCPU, Need: 3200, Free: 2900}, "group g: InsufficientCPU: need 3200m, free 2900m"},
		{Misfit{Code: InsufficientMemory, Need: 64 << 30, Free: 16 << 30}, "group g: InsufficientMemory: need 64Gi, free 16Gi"},
		{Misfit{Code: InsufficientResource, What: "nvidia.com/gpu", Need: 2, Free: 1}, "group g: InsufficientResource: resource nvidia.com/gpu, need 2, free 1"},
		{Misfit{Code: TaintNotTolerated, What: "a=b:NoSchedule"}, "group g: TaintNotTolerated: taint a=b:NoSchedule"},
		{Misfit{Code: TopologySpreadExceeded, What: "zone", Need: 3, Free: 1}, "group g: TopologySpreadExceeded: topologyKey zone, skew 3, maxSkew 1"},
		{Misfit{Code: RepelledByPods, What: "zone", Free: 2}, "group g: RepelledByPods: topologyKey zone, pods 2"},
		{Misfit{Code: TooManyPods, Need: 1}, "group g: TooManyPods: free 0"},
	} {
		if got := c.misfit.Verdict(verdict.On("group", "g")).String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// Specs that ask for the same share a class, in whatever order they were written.
func TestClassesShare(t *testing.T) {
	var c Classes
	a := Requirement{Key: "a", Operator: In, Values: []string{"1"}}
	b := Requirement{Key: "b", Operator: In, Values: []string{"2"}}
	x := c.Intern(Spec{NodeSelector: []Requirement{a, b}})
	if y := c.Intern(Spec{NodeSelector: []Requirement{b, a}}); x != y || c.Len() != 1 {
		t.Errorf("classes %d and %d of %d", x, y, c.Len())
	}
	if z := c.Intern(Spec{NodeSelector: []Requirement{a}}); z == x {
		t.Error("different specs share a class")
	}
	if z := c.Intern(Spec{NodeAffinity: []NodeSelectorTerm{}}); z == c.Intern(Spec{}) {
		t.Error("an affinity without terms, which matches nowhere, is not no affinity")
	}
}
