package rules

import (
	"slices"
	"strings"
)

// singular guesses a resource's singular from its spelling.
func singular(resource string) string {
	resource = strings.ToLower(resource)
	switch {
	case strings.HasSuffix(resource, "sses"):
		return strings.TrimSuffix(resource, "es")
	case strings.HasSuffix(resource, "ies"):
		return strings.TrimSuffix(resource, "ies") + "y"
	case strings.HasSuffix(resource, "ss"):
		return resource
	default:
		return strings.TrimSuffix(resource, "s")
	}
}

func isNamespace(g GroupResource) bool { return g.Group == "" && singular(g.Resource) == "namespace" }

// labelFor is the label that a rule maps to a kind of the core group, as far as this is known without a cluster.
func (r *rule) labelFor(kind string) (string, bool) {
	for _, label := range sortedKeys(r.overrides) {
		if g := r.overrides[label]; g.Group == "" && singular(g.Resource) == kind {
			return label, true
		}
	}
	return r.templateLabel("", kind)
}

func noKind(s suspect, warn warn) {
	if !s.external && len(s.overrides) == 0 && s.label == nil {
		warn("resources", "ties no label to a kind of objects, so that the rule exposes nothing; write overrides: {namespace: {resource: namespace}, pod: {resource: pod}} with the labels that the series have")
	}
}

// noNamespaceForNamespaced: requests for objects of these kinds are always in a namespace.
func noNamespaceForNamespaced(s suspect, warn warn) {
	if _, ok := s.labelFor("namespace"); ok || s.external {
		return
	}
	namespaced := []string{"pod", "service", "deployment", "statefulset", "daemonset", "replicaset", "job", "cronjob", "ingress", "persistentvolumeclaim"}
	for _, label := range sortedKeys(s.overrides) {
		if kind := singular(s.overrides[label].Resource); slices.Contains(namespaced, kind) {
			warn("resources.overrides", "ties %s to a kind that has namespaces, but no label to namespaces, so that every request for it fails; add namespace: {resource: namespace} with the label that the series have", label)
			return
		}
	}
}

// groupInTemplate: a label contains a group with _ for its dots, so the group cannot be read back from the label.
func groupInTemplate(s suspect, warn warn) {
	with, ok := s.templateLabel("one", "x")
	without, _ := s.templateLabel("two", "x")
	if !ok || with == without || s.external {
		return
	}
	namespaces, dotted := false, false
	for _, kind := range s.overrides {
		namespaces = namespaces || isNamespace(kind)
		dotted = dotted || strings.Contains(kind.Group, ".")
	}
	if !namespaces || !dotted {
		warn("resources.template", "recognises only kinds whose group is one word, such as apps; tie pods, namespaces, and kinds of groups such as networking.k8s.io to their labels by overrides")
	}
}

func namespacedWithoutEffect(s suspect, warn warn) {
	if !s.external && !s.namespaced {
		warn("resources.namespaced", "has an effect in externalRules only: objects of a namespace are always asked for in that; take it out")
	}
}

func noNamespaceForExternal(s suspect, warn warn) {
	if _, ok := s.labelFor("namespace"); ok || !s.external || !s.namespaced {
		return
	}
	warn("resources", "narrows queries to a namespace, but ties no label to namespaces, so that every request fails; write overrides: {namespace: {resource: namespace}}, or namespaced: false where the metric is of no namespace")
}
