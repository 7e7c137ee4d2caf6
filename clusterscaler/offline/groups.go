package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/internal/config"
)

// groupsFile is what users write about the node groups of a dump.
type groupsFile struct {
	// Groups are the node groups. At least one.
	Groups []nodeGroup `yaml:"groups"`
}

// nodeGroup is a written group with its nodes, which no cloud names here. Its name may be any, such as that of an Auto Scaling group.
type nodeGroup struct {
	group.Group `yaml:",inline"`
	// Size is the number of nodes that the cloud works towards. Default: the number of Nodes.
	Size *int `yaml:"size"`
	// Nodes are those of the group, by their names in the dump.
	Nodes []string `yaml:"nodes"`
	// Template is what a new node of the group is.
	Template template `yaml:"template"`
}

// template is a description, or a whole node.
type template struct {
	group.Template `yaml:",inline"`
	// Node is a v1.Node, such as kubectl prints; excludes all others.
	Node yaml.Node `yaml:"node"`
	node *corev1.Node
}

// maxSize bounds the size of a group: so many nodes are added one by one.
const maxSize = 100_000

// maxName bounds a group's name.
const maxName = 255

// Validate checks what the types cannot.
func (g *nodeGroup) Validate() config.Problems {
	var ps config.Problems
	switch {
	case g.Name == "":
		ps.Add("name", "is required")
	case len(g.Name) > maxName || strings.ContainsFunc(g.Name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		ps.Add("name", "%.80q is no name of a group: at most %d letters that can be seen", g.Name, maxName)
	}
	d, wrong := g.Described(g.Template.Template)
	ps = append(ps, wrong...)
	if g.Size != nil && (*g.Size < 0 || *g.Size > maxSize) {
		ps.Add("size", "%d is not between 0 and %d", *g.Size, maxSize)
	}
	switch {
	case !g.Template.Node.IsZero() && !reflect.DeepEqual(g.Template.Template, group.Template{}):
		ps.Add("template.node", "is a whole node; leave out the other keys of the template")
	case !g.Template.Node.IsZero():
		ps = append(ps, g.Template.decode()...)
	case reflect.DeepEqual(d.Template, group.Template{}):
		ps.Add("template", "is required: an instanceType, a capacity, or a whole node under node")
	default:
		ps = append(ps, d.Template.Check(&g.CNI)...)
	}
	return ps
}

// decode reads the whole node.
func (t *template) decode() config.Problems {
	const path = "template.node"
	var ps config.Problems
	var tree any
	if err := t.Node.Decode(&tree); err != nil {
		ps.Add(path, "%s", printable(err.Error()))
		return ps
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		ps.Add(path, "%s", printable(err.Error()))
		return ps
	}
	n := &corev1.Node{}
	if ps = mistakes(raw, n, path, true); len(ps) > 0 {
		return ps
	}
	if err := json.Unmarshal(raw, n); err != nil {
		ps.Add(path, "%s", printable(err.Error()))
		return ps
	}
	if ps = negatives(n, path); len(ps) > 0 {
		return ps
	}
	alikeWhereMissing(&n.Status)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
		if q := n.Status.Allocatable[name]; q.Sign() <= 0 {
			ps.Add(path+".status.allocatable."+string(name), "is required, and more than zero")
		}
	}
	t.node = n
	return ps
}

// readGroups reads the groups, strictly.
func readGroups(in Input) ([]nodeGroup, config.Problems) {
	var f groupsFile
	ps, _ := errors.AsType[config.Problems](config.Decode(in.Name, in.Data, &f))
	if len(ps) == 0 && len(f.Groups) == 0 {
		ps.Add("groups", "at least one is required: {name, min, max, nodes, template}")
	}
	named, member := map[string]int{}, map[string]string{}
	for i := range f.Groups {
		g := &f.Groups[i]
		if j, twice := named[g.Name]; twice && g.Name != "" {
			ps.Add(fmt.Sprintf("groups[%d].name", i), "%q is the name of groups[%d] already", g.Name, j)
		} else {
			named[g.Name] = i
		}
		for j, node := range g.Nodes {
			path := fmt.Sprintf("groups[%d].nodes[%d]", i, j)
			if before, twice := member[node]; twice {
				ps.Add(path, "%.253q is a node of %s already; a node is in one group", node, before)
				continue
			}
			member[node] = fmt.Sprintf("groups[%d]", i)
		}
	}
	return f.Groups, ps
}

// unknownNodes are the nodes of groups that the dump does not have.
func unknownNodes(groups []nodeGroup, objects *kube.Objects, dumpFile string) config.Problems {
	exists := map[string]bool{}
	for _, n := range objects.Nodes {
		exists[n.Name] = true
	}
	var ps config.Problems
	for i, g := range groups {
		for j, name := range g.Nodes {
			if !exists[name] {
				ps.Add(fmt.Sprintf("groups[%d].nodes[%d]", i, j), "%.253q is no node of %s; take it out, or make the dump anew", name, dumpFile)
			}
		}
	}
	return ps
}

// believed is the group as it is in the file, which has nobody to doubt it, with its template.
func (g *nodeGroup) believed() (fleet.Belief, *corev1.Node) {
	d, _ := g.Described(g.Template.Template) // the file is valid
	node := g.Template.node
	if node == nil {
		node = d.Template.Node(&g.CNI)
	}
	node = node.DeepCopy()
	node.Spec.Unschedulable = false // a new node is not cordoned; the Snapshot leaves out the taints that pass
	size := len(g.Nodes)
	if g.Size != nil {
		size = *g.Size
	}
	return fleet.Belief{Name: g.Name, Min: d.Min, Max: d.Max, Target: size, Price: g.Price, Options: d.Options}, node
}
