package rules

import (
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/trimtab/trimtab/internal/config"
)

// resourceSet is ResourceRules whose texts are parsed.
type resourceSet struct {
	cpu, memory resourceRule
	window      time.Duration
}

// resourceRule has a rule for each of its queries. A query that is not given is nil in its rule.
type resourceRule struct{ containers, nodes *rule }

func compileResource(r ResourceRules) (*resourceSet, config.Problems) {
	var ps config.Problems
	common := extras{source: r.Source, merge: r.Merge}
	s := &resourceSet{cpu: r.CPU.compile("cpu", common, &ps), memory: r.Memory.compile("memory", common, &ps)}
	if r.Window != "" {
		window, err := model.ParseDuration(r.Window)
		if err != nil {
			ps.Add("window", "%v; write a number with its unit, as in 5m", err)
		}
		s.window = time.Duration(window)
	}
	both := func(key, of, cpu, memory string) bool {
		switch {
		case blank(cpu) && !blank(memory):
			ps.Add("cpu."+key, "is required, since memory has one: %s are served when both are known", of)
		case !blank(cpu) && blank(memory):
			ps.Add("memory."+key, "is required, since cpu has one: %s are served when both are known", of)
		}
		return blank(cpu) && blank(memory)
	}
	noPods := both("containerQuery", "pods", r.CPU.ContainerQuery, r.Memory.ContainerQuery)
	noNodes := both("nodeQuery", "nodes", r.CPU.NodeQuery, r.Memory.NodeQuery)
	if noPods && noNodes {
		ps.Add("", "has no query; give cpu and memory a containerQuery and a nodeQuery, or leave metrics.k8s.io to another server and take the section out")
	}
	return s, ps
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// compile reports the problems of the labels once, although both rules have them.
func (r ResourceRule) compile(path string, common extras, ps *config.Problems) resourceRule {
	labels := &rule{overrides: r.Resources.Overrides}
	labels.compileLabels(r.Resources, path+".resources", ps)
	part := func(key, text, extraLabel string) *rule {
		out := &rule{
			path:       "resourceRules." + path,
			queryKey:   key,
			overrides:  labels.overrides,
			label:      labels.label,
			labelForm:  labels.labelForm,
			extraLabel: extraLabel,
			extras:     common,
		}
		if !blank(text) {
			out.query = compileQuery(text, path+"."+key, ps)
		}
		return out
	}
	return resourceRule{part("containerQuery", r.ContainerQuery, r.ContainerLabel), part("nodeQuery", r.NodeQuery, "")}
}

// Resource has the queries for the usage of pods and nodes.
type Resource struct {
	CPU, Memory Usage
	// Window is reported with each value; 0 where the file names none.
	Window time.Duration
}

// Usage has the queries for one resource: CPU in cores, memory in bytes. Source.Query and Source.Form work as for a
// metric of objects. A sample's container is in the query's ExtraLabel. A query that is not in the file is an error
// when it is used.
type Usage struct {
	// Containers is the query for pods of one namespace.
	Containers Source
	// Nodes is the query for nodes.
	Nodes Source
}

// HasResource is true if the file has resourceRules.
func (s *Set) HasResource() bool { return s.resource != nil }

// Resource is false where the file has no resourceRules.
func (s *Set) Resource(kinds Kinds) (Resource, bool) {
	if s.resource == nil {
		return Resource{}, false
	}
	usage := func(r resourceRule) Usage {
		return Usage{Source{rule: bind(r.containers, kinds)}, Source{rule: bind(r.nodes, kinds)}}
	}
	return Resource{usage(s.resource.cpu), usage(s.resource.memory), s.resource.window}, true
}

// Pods is true if pods have queries for both CPU and memory.
func (r Resource) Pods() bool {
	return r.CPU.Containers.rule.query != nil && r.Memory.Containers.rule.query != nil
}

// Nodes is true if nodes have both.
func (r Resource) Nodes() bool {
	return r.CPU.Nodes.rule.query != nil && r.Memory.Nodes.rule.query != nil
}
