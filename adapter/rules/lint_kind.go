package rules

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// lintOverrides checks each label that a rule maps to a kind.
func lintOverrides(overrides map[string]GroupResource, warn warn) {
	first := map[GroupResource]string{}
	for _, label := range sortedKeys(overrides) {
		g := overrides[label]
		if mend := g.misspelt(); mend != "" {
			warn("resources.overrides."+label, "names no kind of objects, so that %s maps nothing: %s", label, mend)
			continue
		}
		kind := GroupResource{strings.ToLower(g.Group), singular(g.Resource)}
		if taken, twice := first[kind]; twice {
			warn("resources.overrides."+label, "is not used in queries: %s is tied to the same kind and is taken, as the first in the order of the alphabet; keep the label that the series have", taken)
			continue
		}
		first[kind] = label
	}
}

// misspelt says what to write instead of a name that no API server can serve. It is empty where one might.
func (g GroupResource) misspelt() string {
	group, resource := strings.ToLower(g.Group), strings.ToLower(g.Resource)
	name, behind, dotted := strings.Cut(resource, ".")
	before, _, slashed := strings.Cut(group, "/")
	switch {
	case dotted: // as kubectl accepts them: resource.group, resource.version.group
		behind = regexp.MustCompile(`^v\d+((alpha|beta)\d+)?(\.|$)`).ReplaceAllString(behind, "")
		return "write " + GroupResource{cmp.Or(group, behind), name}.written()
	case slashed && before != "":
		return "write the group without its version, " + GroupResource{before, resource}.written()
	case len(validation.IsDNS1035Label(resource)) > 0:
		return fmt.Sprintf("%.80q is no name of a resource; `kubectl api-resources` has the names", g.Resource)
	case group != "" && len(validation.IsDNS1123Subdomain(group)) > 0:
		return fmt.Sprintf("%.80q is no name of an API group; `kubectl api-resources` has the names", g.Group)
	default:
		return ""
	}
}

// written is g as a rule file writes it.
func (g GroupResource) written() string {
	if g.Group == "" {
		return "{resource: " + g.Resource + "}"
	}
	return "{group: " + g.Group + ", resource: " + g.Resource + "}"
}

// unserved says what to write instead of a name that this API server does not serve.
func (g GroupResource) unserved(kinds Kinds) string {
	if mend := g.misspelt(); mend != "" {
		return mend
	}
	resource := strings.ToLower(g.Resource)
	if long := shortNames()[resource]; long != "" {
		return fmt.Sprintf("write %s, for which %s is short", long, resource)
	}
	if kind, ok := kinds.Kind(GroupResource{Resource: resource}.schema()); ok && g.Group != "" {
		return "write " + GroupResource{kind.Group, kind.Resource}.written()
	}
	return "`kubectl api-resources` has the names that are served"
}

// shortNames are kubectl's short names of kinds that have metrics. The metrics APIs and rules do not accept short
// names.
func shortNames() map[string]string {
	return map[string]string{
		"po": "pods", "ns": "namespaces", "no": "nodes", "svc": "services", "deploy": "deployments", "sts": "statefulsets", "ds": "daemonsets",
		"rs": "replicasets", "rc": "replicationcontrollers", "cj": "cronjobs", "ing": "ingresses", "hpa": "horizontalpodautoscalers",
		"pvc": "persistentvolumeclaims", "pv": "persistentvolumes", "ep": "endpoints",
	}
}
