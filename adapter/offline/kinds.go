package offline

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/restmapper"

	"github.com/trimtab/trimtab/internal/config"
)

// Resource is a kind of objects, as from a CustomResourceDefinition or an APIService.
type Resource struct {
	// Group is its API group. Required.
	Group string `yaml:"group"`
	// Version is the group's version: v1. Required.
	Version string `yaml:"version"`
	// Resource is its plural, in lower case. Required.
	Resource string `yaml:"resource"`
	// Kind is its name in references: Gateway. Required.
	Kind string `yaml:"kind"`
	// Namespaced says whether its objects are in namespaces. Required.
	Namespaced *bool `yaml:"namespaced"`
}

// Validate checks what the types cannot.
func (r *Resource) Validate() config.Problems {
	var ps config.Problems
	for _, field := range []struct {
		name, value string
		wrong       func(string) []string
	}{
		{"group", r.Group, validation.IsDNS1123Subdomain},
		{"version", r.Version, validation.IsDNS1035Label},
		{"resource", r.Resource, validation.IsDNS1035Label},
		{"kind", strings.ToLower(r.Kind), validation.IsDNS1035Label},
	} {
		if field.value == "" {
			ps.Add(field.name, "is required")
		} else if len(field.wrong(field.value)) > 0 {
			ps.Add(field.name, "%.80q is not the name of a %s; `kubectl api-resources` shows it", field.value, field.name)
		}
	}
	if r.Namespaced == nil {
		ps.Add("namespaced", "is required: true or false")
	}
	return ps
}

// builtin lists the kinds of one version of an API group.
type builtin struct {
	group, version      string
	namespaced, cluster string
}

// builtins are the kinds that kube-apiserver 1.37 serves and that can be listed. The groups are in the order in which
// it prefers them.
func builtins() []builtin {
	return []builtin{
		{"", "v1", "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount", "ComponentStatus Namespace Node PersistentVolume"},
		{"apiregistration.k8s.io", "v1", "", "APIService"},
		{"apps", "v1", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", ""},
		{"events.k8s.io", "v1", "Event", ""},
		{"autoscaling", "v2", "HorizontalPodAutoscaler", ""},
		{"autoscaling", "v1", "HorizontalPodAutoscaler", ""},
		{"batch", "v1", "CronJob Job", ""},
		{"certificates.k8s.io", "v1", "", "CertificateSigningRequest"},
		{"networking.k8s.io", "v1", "Ingress NetworkPolicy", "IngressClass IPAddress ServiceCIDR"},
		{"policy", "v1", "PodDisruptionBudget", ""},
		{"rbac.authorization.k8s.io", "v1", "Role RoleBinding", "ClusterRole ClusterRoleBinding"},
		{"storage.k8s.io", "v1", "CSIStorageCapacity", "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass"},
		{"admissionregistration.k8s.io", "v1", "", "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"},
		{"apiextensions.k8s.io", "v1", "", "CustomResourceDefinition"},
		{"scheduling.k8s.io", "v1", "", "PriorityClass"},
		{"coordination.k8s.io", "v1", "Lease", ""},
		{"node.k8s.io", "v1", "", "RuntimeClass"},
		{"discovery.k8s.io", "v1", "EndpointSlice", ""},
		{"flowcontrol.apiserver.k8s.io", "v1", "", "FlowSchema PriorityLevelConfiguration"},
		{"resource.k8s.io", "v1", "ResourceClaim ResourceClaimTemplate", "DeviceClass ResourceSlice"},
	}
}

// kinds is the API server's discovery, in the order of its groups.
type kinds []*restmapper.APIGroupResources

func builtinKinds() kinds {
	var all kinds
	for _, b := range builtins() {
		version := schema.GroupVersion{Group: b.group, Version: b.version}
		for scope, names := range []string{b.cluster, b.namespaced} {
			for _, kind := range strings.Fields(names) {
				plural, _ := meta.UnsafeGuessKindToResource(version.WithKind(kind))
				all = all.add(plural, kind, scope == 1)
			}
		}
	}
	return all
}

// add adds a kind to its group and version. The version that is added first is the preferred one.
func (all kinds) add(name schema.GroupVersionResource, kind string, namespaced bool) kinds {
	i := slices.IndexFunc(all, func(g *restmapper.APIGroupResources) bool { return g.Group.Name == name.Group })
	if i < 0 {
		i = len(all)
		all = append(all, &restmapper.APIGroupResources{
			Group:              metav1.APIGroup{Name: name.Group, PreferredVersion: metav1.GroupVersionForDiscovery{Version: name.Version}},
			VersionedResources: map[string][]metav1.APIResource{},
		})
	}
	group := all[i]
	if _, known := group.VersionedResources[name.Version]; !known {
		group.Group.Versions = append(group.Group.Versions, metav1.GroupVersionForDiscovery{Version: name.Version})
	}
	group.VersionedResources[name.Version] = append(group.VersionedResources[name.Version], metav1.APIResource{
		Name: name.Resource, SingularName: strings.ToLower(kind), Kind: kind, Namespaced: namespaced,
	})
	return all
}

// has is true if the kind exists.
func (all kinds) has(name schema.GroupVersionResource) bool {
	for _, group := range all {
		if group.Group.Name == name.Group && slices.ContainsFunc(group.VersionedResources[name.Version], func(r metav1.APIResource) bool { return r.Name == name.Resource }) {
			return true
		}
	}
	return false
}

// with adds the kinds of a file.
func (all kinds) with(resources []Resource) (kinds, config.Problems) {
	var ps config.Problems
	for i, r := range resources {
		name := schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Resource}
		if all.has(name) {
			ps.Add(fmt.Sprintf("resources[%d]", i), "%s of %s/%s is there already; take this entry out", r.Resource, r.Group, r.Version)
			continue
		}
		all = all.add(name, r.Kind, r.Namespaced != nil && *r.Namespaced)
	}
	return all, ps
}
