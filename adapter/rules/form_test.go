package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/trimtab/trimtab/internal/config"
)

const formRules = `
rules:
- seriesQuery: q
  resources: {overrides: {pod: {resource: pods}, ns: {resource: namespaces}, node: {resource: nodes}}}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>,job!=""}[2m])) by (<<.GroupBy>>)
- seriesQuery: q
  resources: {template: "k_<<.Resource>>"}
  name: {as: by_template}
  metricsQuery: <<.Series>>{<<.LabelMatchers>>} / <<.Series>>{<<.LabelMatchers>>}
externalRules:
- seriesQuery: q
  name: {as: everywhere}
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
- seriesQuery: q
  name: {as: here}
  resources: {template: "<<.Resource>>"}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
`

func formCatalog(t testing.TB) *Catalog {
	t.Helper()
	var file File
	if err := config.Decode("f", []byte(formRules), &file); err != nil {
		t.Fatal(err)
	}
	set, err := Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return set.Expose(map[SelectorKey][]Series{"q": {{"q", []string{"pod", "ns", "node", "k_pod", "k_namespace"}}}}, nil, cluster())
}

// formCase is a request, exactly as it is written and as a form.
type formCase struct {
	exact  string
	form   Form
	key    string
	values []string
}

func formOf(t *testing.T, c *Catalog, random *rand.Rand) (formCase, bool) {
	t.Helper()
	selector := randomSelector(t, random)
	namespace, name := pick(random, "a", "b", `c"}`), pick(random, "x", "y")
	var out formCase
	var q Query
	var errs [3]error
	if random.IntN(2) == 0 {
		source, ok := c.External(pick(random, "everywhere", "here"))
		if !ok {
			t.Fatal("no such external metric")
		}
		q, errs[0] = source.ExternalQuery(namespace, selector)
		out.form, errs[1] = source.ExternalForm(namespace, selector)
		out.key, out.values, errs[2] = source.ExternalFormKey(namespace, selector)
	} else {
		m := c.Metrics[random.IntN(len(c.Metrics))]
		source, _ := c.Metric(m)
		kind, _ := cluster().Kind(m.Resource)
		o := Objects{Kind: kind, Names: []string{name}}
		if m.Namespaced {
			o.Namespace = namespace
		}
		q, errs[0] = source.Query(o, selector)
		out.form, errs[1] = source.Form(Objects{Kind: o.Kind, Namespace: o.Namespace}, selector)
		out.key, out.values, errs[2] = source.FormKey(o, selector)
		if out.form.ObjectLabel != "" {
			out.values = append(out.values, name) // the object's dimension is the last
		}
	}
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	if (errs[1] == nil) != (errs[2] == nil) {
		t.Fatalf("%s has %v and %v", q.PromQL, errs[1], errs[2])
	}
	out.exact = q.PromQL
	return out, errs[1] == nil
}

func pick(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }

// randomSelector may match a label twice, and may match that of the namespace.
func randomSelector(t *testing.T, random *rand.Rand) labels.Selector {
	t.Helper()
	selector := labels.NewSelector()
	for range random.IntN(4) {
		operator, values := selection.Equals, []string{pick(random, "v", "w", "a|b", "")}
		switch random.IntN(6) {
		case 0:
			operator = selection.NotEquals
		case 1:
			operator, values = selection.In, []string{"v", "w"}
		case 2:
			operator = selection.NotIn
		case 3:
			operator, values = selection.Exists, nil
		}
		key := pick(random, "verb", "app.kubernetes.io/name", "zone", "ns", "a")
		r, err := labels.NewRequirement(key, operator, values)
		if err != nil {
			continue // no label value of Kubernetes
		}
		selector = selector.Add(*r)
	}
	return selector
}

// The form with the values put back is the query as it is written; equal keys have equal texts; and requests that
// differ in more than values have different keys.
func TestFormsAreTheQueriesWithoutTheirValues(t *testing.T) {
	t.Parallel()
	catalog := formCatalog(t)
	texts, keys := map[string]Form{}, map[string]string{}
	shared, refused := 0, 0
	for seed := range uint64(5000) {
		c, ok := formOf(t, catalog, rand.New(rand.NewPCG(seed, 1)))
		if !ok {
			refused++
			continue
		}
		back := c.form.Text
		if len(c.values) != len(c.form.Dimensions) {
			t.Fatalf("%d values for %v", len(c.values), c.form.Dimensions)
		}
		for i, d := range c.form.Dimensions {
			back = strings.ReplaceAll(back, strconv.Quote(d.Sentinel), strconv.Quote(c.values[i]))
		}
		if back != c.exact || c.key != c.form.Key {
			t.Fatalf("seed %d: %s\nbecame %s\nkeys %q and %q", seed, c.exact, back, c.key, c.form.Key)
		}
		if old, known := texts[c.key]; known {
			shared++
			if old.Text != c.form.Text || !slices.Equal(old.Dimensions, c.form.Dimensions) {
				t.Fatalf("one key for %v and %v", old, c.form)
			}
		}
		if key, known := keys[c.form.Text+c.form.ObjectLabel]; known && key != c.key && strings.HasPrefix(key, "rules") == strings.HasPrefix(c.key, "rules") {
			t.Errorf("%q and %q have one text: %s", key, c.key, c.form.Text)
		}
		texts[c.key], keys[c.form.Text+c.form.ObjectLabel] = c.form, c.key
	}
	if shared < 1000 || refused < 100 || len(texts) < 100 {
		t.Errorf("%d requests shared %d forms, %d had none; that is too little to tell", shared, len(texts), refused)
	}
}

func BenchmarkQuery(b *testing.B) {
	catalog := formCatalog(b)
	pods, _ := cluster().Kind(podsResource())
	selector := labels.SelectorFromSet(labels.Set{"verb": "GET"})
	for _, metric := range []string{"q", "by_template"} {
		source, ok := catalog.Metric(Metric{podsResource(), true, metric})
		if !ok {
			b.Fatal("no such metric")
		}
		for _, names := range []int{1, 1000} {
			o := Objects{Kind: pods, Namespace: "production"}
			for i := range names {
				o.Names = append(o.Names, fmt.Sprintf("web-7f9c6d5b4-%05d", i))
			}
			b.Run(fmt.Sprintf("%s/%d", metric, names), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := source.Query(o, selector); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkForm(b *testing.B) {
	catalog := formCatalog(b)
	pods, _ := cluster().Kind(podsResource())
	source, _ := catalog.Metric(Metric{podsResource(), true, "by_template"})
	o := Objects{Kind: pods, Namespace: "production"}
	for name, selector := range map[string]labels.Selector{"everything": labels.Everything(), "selector": labels.SelectorFromSet(labels.Set{"verb": "GET"})} {
		b.Run("key/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := source.FormKey(o, selector); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("form/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := source.Form(o, selector); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func podsResource() schema.GroupResource { return schema.GroupResource{Resource: "pods"} }
