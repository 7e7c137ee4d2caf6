package record

import "testing"

func TestKeysOfTheClustersOwnAreKnown(t *testing.T) {
	t.Parallel()
	for key, own := range map[string]string{
		"topology.kubernetes.io/zone": "", "app.kubernetes.io/name": "", "eks.amazonaws.com/nodegroup": "", "topology.k8s.aws/zone-id": "",
		"cloud.google.com/gke-nodepool": "", "kubernetes.azure.com/mode": "", "nvidia.com/gpu": "", "metadata.name": "", "lifecycle": "", "accelerator": "",
		"ToBeDeletedByClusterAutoscaler": "", "pod-template-hash": "", "node-role.kubernetes.io/control-plane": "",
		"team": "team", "acme.example/team": "acme.example/team", "notkubernetes.io/team": "notkubernetes.io/team", "google.com.acme.example/x": "google.com.acme.example/x",
		"node-role.kubernetes.io/payments": "payments", "node-restriction.kubernetes.io/acme": "acme", "startup-taint.cluster-autoscaler.kubernetes.io/acme": "acme",
	} {
		public, got := publicKey(key)
		if got != own || public+got != key {
			t.Errorf("%s is %q and %q, want %q", key, public, got, own)
		}
	}
}
