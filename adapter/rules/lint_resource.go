package rules

// lintResource examines the queries of resourceRules.
func (l *linter) lintResource(r ResourceRules) {
	set, ps := compileResource(r)
	if len(ps) > 0 {
		return
	}
	if set.window == 0 {
		l.at("resourceRules")("window", "is not given, so that 0s is reported and the HPA takes a pod's usage for its own though the rate may reach back before the pod was ready; write the longest range of the queries, as in 5m")
	}
	lintUsage(l.at("resourceRules.cpu"), set.cpu, r.CPU)
	lintUsage(l.at("resourceRules.memory"), set.memory, r.Memory)
}

func lintUsage(warn warn, compiled resourceRule, text ResourceRule) {
	lintOverrides(text.Resources.Overrides, warn)
	if compiled.containers.query != nil {
		lintContainers(warn, compiled.containers, text)
	}
	if compiled.nodes.query == nil {
		return
	}
	node, ok := compiled.nodes.labelFor("node")
	if !ok {
		warn("resources", "ties no label to nodes, so that nodes have no metrics; write overrides: {node: {resource: node}} with the label that the series have")
		return
	}
	probe{path: "nodeQuery", query: compiled.nodes.query, keep: [][]string{{node}}}.examineKept(warn)
}

func lintContainers(warn warn, r *rule, text ResourceRule) {
	namespace, hasNamespace := r.labelFor("namespace")
	pod, hasPod := r.labelFor("pod")
	switch {
	case !hasNamespace || !hasPod:
		warn("resources", "does not tie labels to both namespaces and pods, so that pods have no metrics; write overrides: {namespace: {resource: namespace}, pod: {resource: pod}} with the labels that the series have")
		return
	case text.ContainerLabel == "":
		warn("containerLabel", "is not given, so that a pod's usage is that of one container without a name; write the label that names containers, as in container")
	}
	probe{
		path: "containerQuery", query: r.query, namespaceLabel: namespace, keep: [][]string{r.groupBy(pod)},
		ignored: "pods of one name in several namespaces get each other's usage; write {<<.LabelMatchers>>}",
	}.examineKept(warn)
}
