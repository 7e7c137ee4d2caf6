package offline

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// notes are what the dump lacks, so that the answer may differ from a live cluster's.
func (d *dump) notes(groups []plan.Group) []string {
	nodes := map[string]bool{}
	for _, n := range d.Nodes {
		nodes[n.Name] = true
	}
	elsewhere, controlled := 0, map[string]bool{}
	for _, p := range d.Pods {
		if p.Spec.NodeName != "" && !nodes[p.Spec.NodeName] {
			elsewhere++
		}
		if o := metav1.GetControllerOfNoCopy(p); o != nil {
			controlled[o.Kind] = true
		}
	}
	var out []string
	if elsewhere > 0 {
		out = append(out, fmt.Sprintf("pods that run on nodes which are not in the dump: %d; they take no room", elsewhere))
	}
	var unjudged []string
	for _, kind := range slices.Sorted(maps.Keys(controlled)) {
		switch {
		case d.read[kind] > 0:
		case kind == "DaemonSet":
			if described := describedOnly(groups); len(described) > 0 {
				out = append(out, fmt.Sprintf("the dump has pods of DaemonSets, but no DaemonSet: new nodes of %s are counted without such pods", strings.Join(described, ", ")))
			}
		case ownerVersion(kind) != "":
			unjudged = append(unjudged, kind)
		}
	}
	if len(unjudged) > 0 {
		out = append(out, fmt.Sprintf("the dump has no %s: those that pods name are taken to exist", strings.Join(unjudged, " and no ")))
	}
	return append(out, d.storageNotes()...)
}

// describedOnly are the groups without a node that new ones would be like.
func describedOnly(groups []plan.Group) []string {
	var out []string
	for _, g := range groups {
		if !g.Live {
			out = append(out, g.Name)
		}
	}
	return out
}

// exampleNotes name the groups whose template does not count, though it describes other nodes than the existing ones.
func (c *Cluster) exampleNotes(s *plan.Snapshot) []string {
	var out []string
	for i, g := range s.Groups {
		given := c.groups[i].Template
		given.Taints = c.dump.Taints.OfTemplate(given.Taints)
		if differs := differences(&given, &g.Template, c.labels[i]); g.Live && len(differs) > 0 {
			out = append(out, fmt.Sprintf("group %s: new nodes are like its newest ready one, as in `trimtab run`, and not as its template says (%s); to try the template, write it into a group without nodes",
				g.Name, strings.Join(differs, ", ")))
		}
	}
	return out
}

// sameAmount is by what share two amounts may differ and be taken for equal: that of similar groups.
const sameAmount = 0.05

// differences are what a node that stands has otherwise than the template of its group describes. Of labels those count that
// have another value, and labels that are asked for and missing: no template has all that a node has, and the other way round.
func differences(template, node *scheduling.Node, asked map[string]string) []string {
	var out []string
	amount := func(name string, a, b int64) {
		if math.Abs(float64(a-b)) > sameAmount*float64(max(a, b)) {
			out = append(out, name)
		}
	}
	amount("cpu", template.Allocatable.MilliCPU, node.Allocatable.MilliCPU)
	amount("memory", template.Allocatable.Memory, node.Allocatable.Memory)
	amount("pods", template.Allocatable.Pods, node.Allocatable.Pods)
	for _, e := range template.Allocatable.Extended {
		amount(e.Name, e.Amount, node.Allocatable.Other(e.Name))
	}
	for _, key := range slices.Sorted(maps.Keys(template.Labels)) {
		value, has := node.Labels[key]
		if _, wanted := asked[key]; template.Labels[key] != value && (has || wanted) && key != corev1.LabelHostname {
			out = append(out, "label "+key)
		}
	}
	unlike := func(a, b []scheduling.Taint) bool {
		return slices.ContainsFunc(a, func(t scheduling.Taint) bool { return !slices.Contains(b, t) })
	}
	if unlike(template.Taints, node.Taints) || unlike(node.Taints, template.Taints) {
		out = append(out, "taints")
	}
	return out
}
