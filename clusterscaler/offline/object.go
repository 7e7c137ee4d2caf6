package offline

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	strictjson "sigs.k8s.io/json"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/internal/config"
	internalkube "github.com/trimtab/trimtab/internal/kube"
)

// versionOf is the version in which a kind is read; empty for one that is ignored.
func versionOf(kind string) string {
	switch kind {
	case "Node", "Pod", "Namespace":
		return "v1"
	case "DaemonSet":
		return "apps/v1"
	case "PodDisruptionBudget":
		return "policy/v1"
	case "PersistentVolumeClaim", "PersistentVolume", "ConfigMap":
		return "v1"
	case "StorageClass", "CSINode", "CSIDriver", "CSIStorageCapacity", "VolumeAttachment":
		return "storage.k8s.io/v1"
	case "ResourceClaim", "ResourceSlice", "DeviceClass":
		return devicesVersion
	default:
		return ownerVersion(kind)
	}
}

// devicesVersion is that of dynamic resource allocation. What a server has in an older one alone is ignored, as it is live.
const devicesVersion = "resource.k8s.io/v1"

// ownerVersion is versionOf for the controllers of which it only counts that they exist, and how many replicas they are to have.
func ownerVersion(kind string) string {
	switch kind {
	case "ReplicaSet", "StatefulSet":
		return "apps/v1"
	case "Job":
		return "batch/v1"
	case "ReplicationController":
		return "v1"
	default:
		return ""
	}
}

// apiGroup is what stands before the version.
func apiGroup(apiVersion string) string {
	group, _, named := strings.Cut(apiVersion, "/")
	if !named {
		return ""
	}
	return group
}

// object reads one object that is no List.
func (d *dump) object(raw []byte, h header, where, path string) {
	version := versionOf(h.Kind)
	switch {
	case h.Kind == "":
		d.problems.Add(below(path, "kind"), "is required: this is no Kubernetes object")
		return
	case len(validation.IsDNS1035Label(strings.ToLower(h.Kind))) > 0:
		d.problems.Add(below(path, "kind"), "%s is no kind", printable(fmt.Sprintf("%.80q", h.Kind)))
		return
	case version != "" && h.APIVersion == "":
		d.problems.Add(below(path, "apiVersion"), "is required: %s", version)
		return
	case version == "", apiGroup(version) != apiGroup(h.APIVersion), version == devicesVersion && h.APIVersion != version:
		d.ignored[h.Kind]++
		return
	case h.APIVersion != version:
		d.problems.Add(below(path, "apiVersion"), "%.80q is not read; write %s", h.APIVersion, version)
		return
	}
	switch h.Kind {
	case "Node":
		n := &corev1.Node{}
		if d.decode(raw, n, h.Kind, where, path) {
			alikeWhereMissing(&n.Status)
			d.Nodes = append(d.Nodes, n)
		}
	case "Pod":
		p := &corev1.Pod{}
		if d.decode(raw, p, h.Kind, where, path) {
			d.Pods = append(d.Pods, internalkube.StripPod(p))
		}
	case "DaemonSet":
		ds := &appsv1.DaemonSet{}
		if d.decode(raw, ds, h.Kind, where, path) {
			d.DaemonSets = append(d.DaemonSets, ds)
		}
	case "PodDisruptionBudget":
		b := &policyv1.PodDisruptionBudget{}
		if d.decode(raw, b, h.Kind, where, path) {
			d.Budgets = append(d.Budgets, b)
		}
	case "ReplicaSet", "ReplicationController":
		c := &controller{}
		if d.decode(raw, c, h.Kind, where, path) {
			key := owner{h.Kind, c.Namespace, c.Name}
			d.owners[key] = true
			if c.Spec.Replicas != nil {
				d.replicas[key] = int(*c.Spec.Replicas)
			}
		}
	case "ConfigMap":
		d.configMap(raw, where, path)
	default:
		if d.storageObject(raw, h.Kind, where, path) {
			return
		}
		// only that it exists, and its labels
		o := &metav1.PartialObjectMetadata{}
		if !d.decode(raw, o, h.Kind, where, path) {
			return
		}
		if h.Kind == "Namespace" {
			d.Namespaces[o.Name] = o.Labels
		} else {
			d.owners[owner{h.Kind, o.Namespace, o.Name}] = true
		}
	}
}

// alikeWhereMissing takes the capacity of a node for its allocatable, as the API server does, or this for that, where a dump has
// only one of them.
func alikeWhereMissing(s *corev1.NodeStatus) {
	if len(s.Allocatable) == 0 {
		s.Allocatable = s.Capacity
	}
	if len(s.Capacity) == 0 {
		s.Capacity = s.Allocatable
	}
}

// controller is what counts of a ReplicaSet or ReplicationController.
type controller struct {
	metav1.PartialObjectMetadata `json:",inline"`
	Spec                         struct {
		Replicas *int32 `json:"replicas"`
	} `json:"spec"`
}

// configMap reads the priorities of the expander, and no other ConfigMap.
func (d *dump) configMap(raw []byte, where, path string) {
	var m metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &m); err == nil && m.Name != kube.PrioritiesConfigMap {
		d.ignored["ConfigMap"]++
		return
	}
	priorities := &corev1.ConfigMap{}
	if d.decode(raw, priorities, "ConfigMap", where, path) {
		d.priorities[priorities.Namespace] = priorities
	}
}

// clusterWide is whether objects of the kind are in no namespace.
func clusterWide(kind string) bool {
	switch kind {
	case "Node", "Namespace", "PersistentVolume", "StorageClass", "CSINode", "CSIDriver", "VolumeAttachment", "ResourceSlice", "DeviceClass":
		return true
	}
	return false
}

// decode reads an object with a name of its own, and says what is wrong with it otherwise.
func (d *dump) decode(raw []byte, into metav1.Object, kind, where, path string) bool {
	twice, err := strictjson.UnmarshalStrict(raw, into, strictjson.DisallowDuplicateFields)
	if err != nil {
		d.report(where+title(raw, kind), path, raw, into, err)
		return false
	}
	if len(twice) > 0 { // one of both would be dropped
		d.about(where+title(raw, kind), duplicates(twice, path))
		return false
	}
	if found := negatives(into, path); len(found) > 0 {
		d.about(where+title(raw, kind), found)
		return false
	}
	if problems := validation.IsDNS1123Subdomain(into.GetName()); len(problems) > 0 {
		d.problems.Add(below(path, "metadata.name"), "%.80q is no name of a %s", into.GetName(), kind)
		return false
	}
	if clusterWide(kind) {
		into.SetNamespace("")
	} else if into.GetNamespace() == "" {
		into.SetNamespace(metav1.NamespaceDefault)
	} else if problems := validation.IsDNS1123Label(into.GetNamespace()); len(problems) > 0 {
		d.problems.Add(below(path, "metadata.namespace"), "%.80q is no name of a namespace", into.GetNamespace())
		return false
	}
	key := owner{kind, into.GetNamespace(), into.GetName()}
	if before, twice := d.seen[key]; twice {
		d.problems.Add(below(path, "metadata.name"), "%s stands twice, before at %s; take one out", key, before)
		return false
	}
	d.seen[key] = strings.TrimSuffix(where+path, ", ")
	d.read[kind]++
	return true
}

// duplicates are the keys that stand twice in JSON, by their paths below path.
func duplicates(errs []error, path string) config.Problems {
	var ps config.Problems
	for _, err := range errs {
		field := strings.TrimPrefix(err.Error(), "duplicate field ")
		if unquoted, err := strconv.Unquote(field); err == nil {
			field = unquoted
		}
		ps.Add(below(path, printable(field)), "stands twice")
	}
	return ps
}

// String is the kind and the name: "Pod shop/web-1".
func (o owner) String() string {
	if o.namespace == "" {
		return o.kind + " " + o.name
	}
	return o.kind + " " + o.namespace + "/" + o.name
}

// title names an object that could not be decoded, as far as it has a name.
func title(raw []byte, kind string) string {
	var o struct {
		Metadata struct{ Name, Namespace string }
	}
	if json.Unmarshal(raw, &o) != nil || len(validation.IsDNS1123Subdomain(o.Metadata.Name)) > 0 {
		return kind
	}
	if len(validation.IsDNS1123Label(o.Metadata.Namespace)) > 0 {
		o.Metadata.Namespace = ""
	}
	return owner{kind, o.Metadata.Namespace, o.Metadata.Name}.String()
}

// below is the path of a value in the one at path.
func below(path, key string) string {
	if path == "" || strings.HasPrefix(key, "[") {
		return path + key
	}
	return path + "." + key
}
