package simulate

import (
	"fmt"
	"slices"
)

// Repellent is a required anti-affinity of an existing pod: it keeps matching pods out of the pod's
// topology domain. Only its reach over pods is modelled, not the domain.
type Repellent struct {
	// Owner is the pod that has it, namespace/name.
	Owner string
	// Namespaces are those of the pods it reaches; nil reaches all namespaces.
	Namespaces []string
	// Labels must all hold on a pod's labels for it to be reached. Keys are label keys.
	Labels []Requirement
}

// key is equal for two that reach the same pods.
func (r *Repellent) key() string { return fmt.Sprintf("%q|%v", r.Namespaces, r.Labels) }

// reaches is whether the anti-affinity may hold off a pod. It never answers no wrongly.
func (r *Repellent) reaches(namespace string, labels map[string]string) bool {
	if r.Namespaces != nil && !slices.Contains(r.Namespaces, namespace) {
		return false
	}
	pod := Node{Labels: labels}
	for _, q := range r.Labels {
		if !q.holds(&pod) {
			return false
		}
	}
	return true
}

// Repellents are those of a whole cluster, equal ones once. The zero value is empty.
type Repellents struct {
	all   []Repellent
	byKey map[string]bool
}

// Add takes one in.
func (rs *Repellents) Add(r Repellent) {
	key := r.key()
	if rs.byKey == nil {
		rs.byKey = map[string]bool{}
	}
	if !rs.byKey[key] {
		rs.byKey[key] = true
		rs.all = append(rs.all, r)
	}
}

// Repels names an existing pod whose required anti-affinity may hold off a pod with that name,
// namespace and labels; empty when there is none.
func (rs *Repellents) Repels(namespace string, labels map[string]string) string {
	for i := range rs.all {
		if r := &rs.all[i]; r.reaches(namespace, labels) {
			return r.Owner
		}
	}
	return ""
}
