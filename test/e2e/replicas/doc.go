// Package replicas runs two trimtabs on a real control plane, and takes one of them away: frozen by the kernel and thawed
// again, or ended as in a rolling update.
package replicas
