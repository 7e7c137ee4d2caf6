// Package callers attacks a running trimtab behind a real API server as those may who reach its ports: a caller with rights
// in one namespace only, and a pod that has no rights at all.
package callers
