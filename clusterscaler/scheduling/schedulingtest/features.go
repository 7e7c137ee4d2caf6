package schedulingtest

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
)

// features are those that pods can need, in the order in which nodes declare them, and one that none does.
func features() []string {
	return []string{"NobodyNeedsIt", "RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport", "VolumeBindMountOptions"}
}

// declareFeatures lets the node have some.
func declareFeatures(r *rand.Rand, n *corev1.Node) {
	for _, name := range features() {
		if !one(r, 3) {
			n.Status.DeclaredFeatures = append(n.Status.DeclaredFeatures, name)
		}
	}
}

// needFeatures lets a pod need some, seldom.
func needFeatures(r *rand.Rand, p *corev1.Pod) {
	if !one(r, 10) {
		return
	}
	c := &p.Spec.Containers[0]
	if len(p.Spec.InitContainers) > 0 && one(r, 2) {
		c = &p.Spec.InitContainers[0]
	}
	switch r.IntN(5) {
	case 0, 1:
		c.RestartPolicyRules = []corev1.ContainerRestartRule{{Action: pick(r, corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers)}}
	case 2, 3:
		c.VolumeMounts = []corev1.VolumeMount{{Name: "v", BindMountOptions: pick(r, nil, []string{"noexec"})}}
	default:
		p.Spec.HostNetwork, p.Spec.HostUsers = true, pick(r, nil, new(true), new(false))
	}
}
