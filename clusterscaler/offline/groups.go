package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/config"
)

// groupsFile is what users write about the node groups of a dump.
type groupsFile struct {
	// Groups are the node groups. At least one.
	Groups []nodeGroup `yaml:"groups"`
}

// nodeGroup is a node group and its nodes.
type nodeGroup struct {
	// Name is any name, such as that of an Auto Scaling group. Required.
	Name string `yaml:"name"`
	// Min and Max bound the number of nodes. Defaults 0 and 0.
	Min int `yaml:"min"`
	Max int `yaml:"max"`
	// Size is the number of nodes that the cloud works towards. Default: the number of Nodes.
	Size *int `yaml:"size"`
	// Nodes are those of the group, by their names in the dump.
	Nodes []string `yaml:"nodes"`
	// Template is what a new node of the group is.
	Template template `yaml:"template"`
	// CNI says how pods get their addresses, which bounds the pods of a node of a known instance type.
	CNI group.CNI `yaml:"cni"`
	// Price is per node and hour, for the expander price. Default 0, unknown.
	Price float64 `yaml:"price"`
	// Options are settings of this group alone.
	Options group.Options `yaml:"options"`
	// Metadata says in cluster-autoscaler's notation what the group does not say itself of its min and max, template and options.
	group.Metadata `yaml:",inline"`
}

// template is a description, or a whole node.
type template struct {
	group.Template `yaml:",inline"`
	// Node is a v1.Node, such as kubectl prints; excludes all others.
	Node yaml.Node `yaml:"node"`
	node *corev1.Node
}

// SetDefaults fills in the values documented at the fields.
func (g *nodeGroup) SetDefaults() { g.CNI.SetDefaults() }

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
	d, wrong := g.described()
	ps = append(ps, wrong...)
	if d.Min < 0 || d.Max < d.Min {
		ps.Add("max", "min %d and max %d: 0 <= min <= max must hold", d.Min, d.Max)
	}
	if g.Size != nil && (*g.Size < 0 || *g.Size > maxSize) {
		ps.Add("size", "%d is not between 0 and %d", *g.Size, maxSize)
	}
	if !(g.Price >= 0) || math.IsInf(g.Price, 0) {
		ps.Add("price", "%v is no price", g.Price)
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

// described is what the group and its metadata say together. The problems are those of the metadata.
func (g *nodeGroup) described() (group.Description, config.Problems) {
	return g.Complete(group.Description{Min: g.Min, Max: g.Max, Template: g.Template.Template, Options: g.Options})
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

// planned is the group as the core sees it.
func (g *nodeGroup) planned() plan.Group {
	d, _ := g.described() // the file is valid
	node := g.Template.node
	if node == nil {
		node = d.Template.Node(&g.CNI)
	}
	node = fresh(node, "template-of-"+g.Name)
	size := len(g.Nodes)
	if g.Size != nil {
		size = *g.Size
	}
	return plan.Group{
		Name: g.Name, Min: d.Min, Max: d.Max, Target: size, Price: g.Price,
		Template: scheduling.NodeOf(node), Capacity: scheduling.ResourcesOf(node.Status.Capacity), Options: d.Options.Planned(),
	}
}

// fresh is a new node like n: with a name of its own, and not cordoned. The Snapshot leaves out the taints of n that pass.
func fresh(n *corev1.Node, name string) *corev1.Node {
	n = n.DeepCopy()
	n.Name = name
	n.Labels = group.NodeLabels(n.Labels, name)
	n.Spec.Unschedulable = false
	return n
}
