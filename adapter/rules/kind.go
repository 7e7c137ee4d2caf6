package rules

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is one kind of objects as the API server serves it.
type Kind struct {
	// GroupResource has the plural name: {"", "pods"}.
	schema.GroupResource
	// Singular is the resource's singular name: "pod".
	Singular string
	// GVK names the kind in references to its objects.
	GVK        schema.GroupVersionKind
	Namespaced bool
}

// Kinds resolves the names of kinds: singular and plural, with and without group. Its answers must not change while a
// Catalog that was made with it is in use.
type Kinds interface {
	Kind(name schema.GroupResource) (Kind, bool)
}

// labelArgs are the variables of resources.template.
type labelArgs struct{ Group, Resource string }

// bound is a rule whose kinds are resolved.
type bound struct {
	*rule
	kinds Kinds
	// byLabel has the overrides. byKind has the reverse, and the template's labels for the kinds that were used.
	byLabel map[string]Kind
	byKind  map[schema.GroupResource]string
	// namespaceLabel is empty where no label is mapped to namespaces.
	namespaceLabel string
	// unknown lists the overrides whose kind the API server does not serve, sorted by label.
	unknown []string
}

func bind(r *rule, kinds Kinds) *bound {
	b := &bound{rule: r, kinds: kinds, byLabel: map[string]Kind{}, byKind: map[schema.GroupResource]string{}}
	for _, label := range sortedKeys(r.overrides) {
		kind, ok := kinds.Kind(r.overrides[label].schema())
		if !ok {
			b.unknown = append(b.unknown, label)
			continue
		}
		b.byLabel[label] = kind
		if _, taken := b.byKind[kind.GroupResource]; !taken {
			b.byKind[kind.GroupResource] = label
		}
	}
	if ns, ok := kinds.Kind(schema.GroupResource{Resource: "namespaces"}); ok {
		b.namespaceLabel, _ = b.labelOf(ns)
	}
	return b
}

// kindOf is the kind that the rule maps a label to, if there is one.
func (b *bound) kindOf(label string) (Kind, bool) {
	if kind, ok := b.byLabel[label]; ok {
		return kind, true
	}
	if b.labelForm == nil {
		return Kind{}, false
	}
	at := b.labelForm.FindStringSubmatch(label)
	if at == nil {
		return Kind{}, false
	}
	name := schema.GroupResource{Resource: at[b.labelForm.SubexpIndex("resource")]}
	if i := b.labelForm.SubexpIndex("group"); i >= 0 {
		name.Group = at[i]
	}
	return b.kinds.Kind(name)
}

// labelOf is the label whose values name objects of the kind. Of several overrides for one kind, the first in
// alphabetical order counts.
func (b *bound) labelOf(k Kind) (string, bool) {
	if label, ok := b.byKind[k.GroupResource]; ok {
		return label, true
	}
	return b.templateLabel(k.Group, k.Singular)
}

// remember executes the template for a kind now, so that requests need not. Call it before the bound is shared.
func (b *bound) remember(k Kind) {
	if _, known := b.byKind[k.GroupResource]; known {
		return
	}
	if label, ok := b.templateLabel(k.Group, k.Singular); ok {
		b.byKind[k.GroupResource] = label
	}
}

// templateLabel is the label that the template makes from a kind.
func (r *rule) templateLabel(group, singular string) (string, bool) {
	if r.label == nil {
		return "", false
	}
	group = strings.NewReplacer(".", "_", "-", "_").Replace(group)
	label, err := render(r.label, labelArgs{Group: group, Resource: singular})
	return label, err == nil && label != ""
}
