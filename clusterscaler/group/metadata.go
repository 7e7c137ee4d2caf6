package group

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/config"
)

// Metadata is what cluster-autoscaler reads of a group where its cloud keeps it, in the same notation. Tags and
// annotations that are not meant for it do not matter.
type Metadata struct {
	// Tags are those of an Auto Scaling group. Those count that begin with k8s.io/cluster-autoscaler/node-template/ and go on
	// with label/, taint/, resources/ or autoscaling-options/. Default none.
	Tags map[string]string `yaml:"tags"`
	// Annotations are those of a MachineDeployment of Cluster API. Those count whose names begin with autoscaling-options-,
	// those of capacity.cluster-autoscaler.kubernetes.io, and the bounds cluster-api-autoscaler-node-group-min-size and
	// -max-size. Default none.
	Annotations map[string]string `yaml:"annotations"`
}

// Description is what Metadata can say of a group.
type Description struct {
	// Min and Max bound the number of nodes. Where both are 0 nothing is said of them.
	Min, Max int
	Template Template
	Options  Options
}

// Complete adds what the metadata says to what a group says itself, which counts first; then tags do, then annotations. What
// is wrong with them is left out, and returned by its path in a group.
func (m *Metadata) Complete(own Description) (Description, config.Problems) {
	var ps config.Problems
	for _, source := range []struct {
		path string
		all  map[string]string
		read func(key, value string, into *Description) error
	}{{"tags", m.Tags, readTag}, {"annotations", m.Annotations, readAnnotation}} {
		var told Description
		for _, key := range slices.Sorted(maps.Keys(source.all)) {
			if err := source.read(key, source.all[key], &told); err != nil {
				ps.Add(source.path+"."+key, "%v", err)
			}
		}
		own = own.or(&told)
	}
	if t := &own.Template; len(m.Tags) > 0 { // an Auto Scaling group
		t.Labels = onAWS(t.Labels, cmp.Or(t.Labels[corev1.LabelTopologyZone], t.Zone))
	}
	if err := readGPUs(m.Annotations, &own); err != nil {
		ps.Add("annotations."+gpuCountAnnotation, "%v", err)
	}
	return own, ps
}

// or has what is not said from other.
func (d Description) or(other *Description) Description {
	if d.Min == 0 && d.Max == 0 {
		d.Min, d.Max = other.Min, other.Max
	}
	d.Options = d.Options.or(other.Options)
	d.Template.Labels = union(d.Template.Labels, other.Template.Labels)
	d.Template.Capacity = union(d.Template.Capacity, other.Template.Capacity)
	taints := slices.Clone(d.Template.Taints)
	for _, t := range other.Template.Taints {
		if !slices.ContainsFunc(d.Template.Taints, func(own Taint) bool { return own.Key == t.Key && own.Effect == t.Effect }) {
			taints = append(taints, t)
		}
	}
	d.Template.Taints = taints
	return d
}

// union has what own does not have from other.
func union(own, other map[string]string) map[string]string {
	if len(other) == 0 {
		return own
	}
	all := maps.Clone(other)
	maps.Copy(all, own)
	return all
}

// The prefix of the tags that count, and the kinds that follow it.
const (
	tagPrefix    = "k8s.io/cluster-autoscaler/node-template/"
	tagLabel     = "label"
	tagTaint     = "taint"
	tagResources = "resources"
	tagOptions   = "autoscaling-options"
)

// readTag reads one tag of an Auto Scaling group.
func readTag(key, value string, into *Description) error {
	rest, ours := strings.CutPrefix(key, tagPrefix)
	if !ours {
		return nil
	}
	switch kind, name, _ := strings.Cut(rest, "/"); kind {
	case tagLabel:
		return readLabel(name, value, into)
	case tagTaint:
		return readTaint(name, value, into)
	case tagResources:
		return readResource(name, value, into)
	case tagOptions:
		return readOption(name, value, &into.Options)
	default:
		return fmt.Errorf("%.80q is not what cluster-autoscaler reads here%s", kind, config.Suggest(kind, []string{tagLabel, tagTaint, tagResources, tagOptions}))
	}
}

// The names of the annotations that count. Before the slash those of options and bounds have the API group, which can be
// another than cluster.x-k8s.io.
const (
	optionAnnotation   = "autoscaling-options-"
	minSizeAnnotation  = "cluster-api-autoscaler-node-group-min-size"
	maxSizeAnnotation  = "cluster-api-autoscaler-node-group-max-size"
	capacityGroup      = "capacity.cluster-autoscaler.kubernetes.io"
	gpuTypeAnnotation  = capacityGroup + "/gpu-type"
	gpuCountAnnotation = capacityGroup + "/gpu-count"
)

// readAnnotation reads one annotation of a MachineDeployment, but for those of GPUs.
func readAnnotation(key, value string, into *Description) error {
	domain, name, _ := strings.Cut(key, "/")
	option, isOption := strings.CutPrefix(name, optionAnnotation)
	switch {
	case isOption:
		return readOption(option, value, &into.Options)
	case name == minSizeAnnotation:
		return readCount(value, &into.Min)
	case name == maxSizeAnnotation:
		return readCount(value, &into.Max)
	case domain != capacityGroup:
		return nil
	}
	switch name {
	case "cpu", "memory":
		return readResource(name, value, into)
	case "ephemeral-disk":
		return readResource("ephemeral-storage", value, into)
	case "maxPods":
		return readResource("pods", value, into)
	case "labels":
		return each(value, func(item string) error {
			key, value, _ := strings.Cut(item, "=")
			return readLabel(key, value, into)
		})
	case "taints":
		return each(value, func(item string) error {
			key, effect, valued := strings.Cut(item, "=")
			if !valued { // KEY:EFFECT
				key, effect, _ = strings.Cut(item, ":")
				effect = ":" + effect
			}
			return readTaint(key, effect, into)
		})
	}
	return nil
}
