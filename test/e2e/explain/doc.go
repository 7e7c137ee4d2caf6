// Package explain asks a running trimtab through the kubeconfig alone: from the Lease to the pod of its holder, and through
// the API server's port-forward to the debug pages. The kubelet of that pod is played by kwok, as everywhere in the lab; it
// leads a port of the pod to one of this machine, where trimtab runs. One test is without a cluster: both protocols of
// port-forward, to a fake kubelet.
package explain
