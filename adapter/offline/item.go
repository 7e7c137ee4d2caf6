package offline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/internal/config"
)

// Item is one value of an answer. In a wanted item, empty fields are not compared.
type Item struct {
	// Object is the name of the object, and Namespace its namespace. In a discovery document Object is the name of the
	// resource.
	Object    string `yaml:"object"`
	Namespace string `yaml:"namespace"`
	// Metric is the metric's name.
	Metric string `yaml:"metric"`
	// Labels are all labels of an external metric.
	Labels map[string]string `yaml:"labels"`
	// Value is a quantity: 1 and 1000m are equal.
	Value Quantity `yaml:"value"`
	// CPU and Memory are the usage of a node, in metrics.k8s.io. Containers are the usage of a pod.
	CPU        Quantity    `yaml:"cpu"`
	Memory     Quantity    `yaml:"memory"`
	Containers []Container `yaml:"containers"`
}

// Container is the usage of one container.
type Container struct {
	Name   string   `yaml:"name"`
	CPU    Quantity `yaml:"cpu"`
	Memory Quantity `yaml:"memory"`
}

// Quantity is a number as Kubernetes writes it; empty where there is none.
type Quantity string

// maxQuantity is the maximum length of a quantity; all quantities in range are far shorter.
const maxQuantity = 40

// UnmarshalText checks that text is a quantity.
func (q *Quantity) UnmarshalText(text []byte) error {
	if _, err := parseQuantity(string(text)); err != nil {
		return err
	}
	*q = Quantity(text)
	return nil
}

// ConfigKind names the type in error messages.
func (q *Quantity) ConfigKind() string { return "a quantity such as 1, 0.5 or 500m" }

func parseQuantity(text string) (resource.Quantity, error) {
	// An exponent of many digits would need as many digits of memory.
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if len(text) > maxQuantity || len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return resource.Quantity{}, fmt.Errorf("%.40q is no quantity that a metric can have", text)
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return q, fmt.Errorf("%q is no quantity; write a number such as 1, 0.5 or 500m", text)
	}
	return q, nil
}

// equal compares the numbers.
func (q Quantity) equal(other Quantity) bool {
	a, errA := parseQuantity(string(q))
	b, errB := parseQuantity(string(other))
	if errA != nil || errB != nil {
		return q == other
	}
	return a.Cmp(b) == 0
}

// takes compares a wanted item with got. identity is true if both are of the same object; all is true if all wanted
// fields are equal.
func (want Item) takes(got Item) (identity, all bool) {
	identity = (want.Object == "" || want.Object == got.Object) && (want.Namespace == "" || want.Namespace == got.Namespace) &&
		(want.Metric == "" || want.Metric == got.Metric) && (want.Labels == nil || maps.Equal(want.Labels, got.Labels))
	return identity, identity && want.Value.takes(got.Value) && want.CPU.takes(got.CPU) && want.Memory.takes(got.Memory) &&
		(want.Containers == nil || takesContainers(want.Containers, got.Containers))
}

func (q Quantity) takes(got Quantity) bool { return q == "" || q.equal(got) }

func takesContainers(want, got []Container) bool {
	if len(want) != len(got) {
		return false
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(g Container) bool { return g.Name == w.Name })
		if i < 0 || !w.CPU.takes(got[i].CPU) || !w.Memory.takes(got[i].Memory) {
			return false
		}
	}
	return true
}

// Validate checks what the types cannot.
func (want *Item) Validate() config.Problems {
	var ps config.Problems
	for i, c := range want.Containers {
		if c.Name == "" {
			ps.Add(within("containers", i, "name"), "is required")
		}
	}
	return ps
}

// String writes the item on one line, as in a file.
func (want Item) String() string {
	var f flow
	f.text("object", want.Object)
	f.text("namespace", want.Namespace)
	f.text("metric", want.Metric)
	if want.Labels != nil {
		var pairs flow
		for _, key := range slices.Sorted(maps.Keys(want.Labels)) {
			pairs = append(pairs, plain(key)+": "+plain(want.Labels[key]))
		}
		f = append(f, "labels: "+pairs.String())
	}
	f.text("value", string(want.Value))
	f.text("cpu", string(want.CPU))
	f.text("memory", string(want.Memory))
	if want.Containers != nil {
		all := make([]string, len(want.Containers))
		for i, c := range want.Containers {
			all[i] = c.String()
		}
		f = append(f, "containers: ["+strings.Join(all, ", ")+"]")
	}
	return f.String()
}

// String writes the container on one line, as in a file.
func (c Container) String() string {
	var f flow
	f.text("name", c.Name)
	f.text("cpu", string(c.CPU))
	f.text("memory", string(c.Memory))
	return f.String()
}

// flow has the entries of a mapping that is written on one line.
type flow []string

// text adds an entry, unless it is empty.
func (f *flow) text(key, value string) {
	if value != "" {
		*f = append(*f, key+": "+plain(value))
	}
}

func (f flow) String() string { return "{" + strings.Join(f, ", ") + "}" }

// plain quotes a text that is no plain word of YAML.
func plain(s string) string {
	ordinary := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._/", r))
	}
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !ordinary(r) }) || s[0] == '-' {
		return strconv.Quote(s)
	}
	return s
}
