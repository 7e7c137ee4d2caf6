package leader

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Pod is the leading replica.
type Pod struct {
	Namespace, Name string
	// lease is the Lease with the pod's name.
	lease types.NamespacedName
}

func (p Pod) String() string { return p.Namespace + "/" + p.Name }

// Find returns the pod that has the Lease. It only reads the Lease: Dial finds out whether the pod exists.
func Find(ctx context.Context, cfg *rest.Config, lease types.NamespacedName) (Pod, error) {
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return Pod{}, fmt.Errorf("kubernetes client: %w", err)
	}
	found, err := clients.CoordinationV1().Leases(lease.Namespace).Get(ctx, lease.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return Pod{}, fmt.Errorf("there is no Lease %s: trimtab does not run there, or elects no leader; --lease names another one (leaderElection in the configuration), --server an address", lease)
	case apierrors.IsForbidden(err):
		return Pod{}, fmt.Errorf("read Lease %s: %w; add to a Role in %s: {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [%s], verbs: [get]}", lease, err, lease.Namespace, lease.Name)
	case err != nil:
		return Pod{}, fmt.Errorf("read Lease %s: %w", lease, err)
	case found.Spec.HolderIdentity == nil || *found.Spec.HolderIdentity == "":
		return Pod{}, fmt.Errorf("nobody holds Lease %s: no replica of trimtab leads; `kubectl -n %s get pods` shows whether one is ready", lease, lease.Namespace)
	}
	// The identity is the host name, which is the pod's name, and an ID of the process.
	host := *found.Spec.HolderIdentity
	if at := strings.LastIndex(host, "_"); at >= 0 {
		host = host[:at]
	}
	return Pod{Namespace: lease.Namespace, Name: host, lease: lease}, nil
}
