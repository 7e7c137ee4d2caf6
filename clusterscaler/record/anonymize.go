package record

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// Anonymize replaces names, UIDs, the values of labels, taints and annotations, the keys of labels and taints that are the
// cluster's own (see publicKey), and words of the cloud, in a Record that Read has given and that nobody else has. Equal
// texts become equal, others become others, and names keep their order, so that the Record decides the same. Kept are
// public keys, the names of resources, drivers, device classes and features, what the API itself enumerates, numbers and
// times, and the values of a few labels (see keptLabel). The notes say what else is kept.
func Anonymize(r *Record) (notes []string) {
	a := &anonymizer{names: newNames(), numeric: map[string]bool{}, gpuLabel: r.Policy.GPULabel, taintKeys: map[string]bool{}, fields: map[typeAs][]fieldAs{}}
	if slices.Contains(r.Policy.Expanders, plan.Random) {
		a.names.keepGroups = true
		notes = append(notes, "the names of groups are kept: the expander random draws by them")
	}
	tiers := matching(r)
	for _, p := range r.Seen.Pods {
		a.names.derive(p)
	}
	a.each(r, a.names.learn)
	a.names.assign()
	r.Seen.Taints = a.withoutPrefixes(r.Seen.Taints)
	a.each(r, a.names.replace)
	for i := range tiers {
		for j, group := range tiers[i] {
			tiers[i][j] = "^" + regexp.QuoteMeta(a.names.replace(groupName, group)) + "$"
		}
	}
	for i := range r.Policy.Priorities {
		tier := &r.Policy.Priorities[i]
		tier.Groups = nil
		for _, expression := range tiers[i] {
			tier.Groups = append(tier.Groups, regexp.MustCompile(expression)) // it is quoted
		}
	}
	return notes
}

// matching has for each priority of the expander the groups that it matches.
func matching(r *Record) [][]string {
	out := make([][]string, len(r.Policy.Priorities))
	for i, tier := range r.Policy.Priorities {
		for _, g := range r.Seen.Groups {
			if slices.ContainsFunc(tier.Groups, func(e *regexp.Regexp) bool { return e.MatchString(g.Name) }) {
				out[i] = append(out[i], g.Name)
			}
		}
	}
	return out
}

// role is what a text names. Names of one role keep their order.
type role uint8

const (
	kept          role = iota // it is no name
	nodeName                  // a node
	podName                   // a pod
	namespaceName             // a namespace
	groupName                 // a node group
	uidName                   // an object for ever
	keyName                   // the key of a label or taint
	otherName                 // anything else, the values of labels among it
	podFullName               // namespace/name of a pod
	fullName                  // namespace/name of something else
	volumeList                // names with commas between them
	byLabelKey                // values of labels, which the key tells apart
)

// names has another name for each.
type names struct {
	known      [otherName + 1]map[string]string
	keepGroups bool
	// derived are the names of claims that Kubernetes makes of a pod and one of its volumes.
	derived map[string][2]string
}

func newNames() *names {
	n := &names{derived: map[string][2]string{}}
	for i := range n.known {
		n.known[i] = map[string]string{}
	}
	return n
}

// derive notes the claims that are made for the pod.
func (n *names) derive(p *corev1.Pod) {
	for i := range p.Spec.Volumes {
		if v := &p.Spec.Volumes[i]; v.Ephemeral != nil {
			n.derived[p.Name+"-"+v.Name] = [2]string{p.Name, v.Name}
		}
	}
}

// learn takes note of a text, and leaves it as it is.
func (n *names) learn(as role, text string) string {
	n.visit(as, text, func(as role, name string) string {
		n.known[as][name] = ""
		return name
	})
	return text
}

// replace is the other name.
func (n *names) replace(as role, text string) string {
	return n.visit(as, text, func(as role, name string) string { return n.known[as][name] })
}

// visit calls f with each name in the text, and puts together what it returns.
func (n *names) visit(as role, text string, f func(role, string) string) string {
	namespace, name, both := strings.Cut(text, "/")
	parts, derived := n.derived[text]
	switch {
	case text == "" || text == anyAddress || as == kept || as == groupName && n.keepGroups:
		return text
	case as == keyName:
		public, own := publicKey(text)
		if own == "" {
			return text
		}
		return public + f(keyName, own)
	case as == podFullName && both:
		return f(namespaceName, namespace) + "/" + f(podName, name)
	case as == fullName && both:
		return f(namespaceName, namespace) + "/" + f(otherName, name)
	case as == podFullName:
		return f(podName, text)
	case as == volumeList || as == otherName && strings.Contains(text, zonesSeparator):
		separator := zonesSeparator
		if as == volumeList {
			separator = ","
		}
		all := strings.Split(text, separator)
		for i := range all {
			if all[i] != "" {
				all[i] = f(otherName, all[i])
			}
		}
		return strings.Join(all, separator)
	case as == otherName && derived:
		return f(podName, parts[0]) + "-" + f(otherName, parts[1])
	case as > otherName:
		return f(otherName, text)
	default:
		return f(as, text)
	}
}

// anyAddress of a port of the host is all of them.
const anyAddress = "0.0.0.0"

// zonesSeparator stands between the zones of a volume that is in several.
const zonesSeparator = "__"

// assign gives out the new names in the order of the old ones, since decisions break ties by name.
func (n *names) assign() {
	for as, prefix := range map[role]string{nodeName: "node", podName: "pod", namespaceName: "namespace", groupName: "group", uidName: "uid", keyName: "key", otherName: "name"} {
		all := make([]string, 0, len(n.known[as]))
		for name := range n.known[as] {
			all = append(all, name)
		}
		slices.SortFunc(all, func(a, b string) int {
			if as == namespaceName { // pods are in the order of namespace/name
				a, b = a+"/", b+"/"
			}
			return strings.Compare(a, b)
		})
		for i, name := range all {
			n.known[as][name] = prefix + "-" + numbered(i+1, len(all))
		}
	}
}

// numbered is n with as many digits as most has.
func numbered(n, most int) string {
	digits := ""
	for ; most > 0; most /= 10 {
		digits = string(rune('0'+n%10)) + digits
		n /= 10
	}
	return digits
}
