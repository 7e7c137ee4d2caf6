package delegate

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/adapter/rules"
)

// Metric is an entry of the custom metrics API.
type Metric = rules.Metric

// dummy is the only entry of servers that do not list their external metrics, such as KEDA. Servers that do not list
// custom metrics have an entry without a resource.
const dummy = "externalmetrics"

// listing is the list of one API, as a delegate gave it. It is immutable.
type listing struct {
	// version is the version of the API to use; empty when the delegate does not serve the API.
	version string
	// metrics are the listed metrics; sorted has the same, in order. If the delegate lists none, it may serve any. An
	// external metric has only a name, and is namespaced.
	metrics map[Metric]bool
	sorted  []Metric
	// failed is why the list could not be read again; nil when the last attempt succeeded.
	failed error
}

// excludes is true if the list shows that the delegate does not serve m.
func (l *listing) excludes(m Metric) bool {
	return l.version == "" || len(l.metrics) > 0 && !l.metrics[m]
}

// readListing reads a discovery document. It leaves out entries that no request could name.
func readListing(api, group, version string, body []byte) (*listing, error) {
	groupVersion := group + "/" + version
	var doc struct {
		Kind         string `json:"kind"`
		GroupVersion string `json:"groupVersion"`
		Resources    bounded[struct {
			Name       string `json:"name"`
			Namespaced bool   `json:"namespaced"`
		}] `json:"resources"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, unreadable("a list of %s that cannot be read: %v", groupVersion, err)
	}
	if doc.Kind != "APIResourceList" || doc.GroupVersion != groupVersion {
		return nil, unreadable("kind %q of %q where the APIResourceList of %s is expected", doc.Kind, doc.GroupVersion, groupVersion)
	}
	l := &listing{version: version, metrics: map[Metric]bool{}}
	for _, r := range doc.Resources {
		m := Metric{Namespaced: r.Namespaced, Name: r.Name}
		if api == ExternalAPI {
			m.Namespaced = true
		} else {
			resource, name, _ := strings.Cut(r.Name, "/")
			m.Resource, m.Name = schema.ParseGroupResource(resource), name
		}
		if segments(m.Name) == nil && (api == ExternalAPI || m.Resource.Resource != "") {
			l.metrics[m] = true
		}
	}
	if api == ExternalAPI && len(l.metrics) == 1 {
		delete(l.metrics, Metric{Namespaced: true, Name: dummy})
	}
	l.sorted = slices.SortedFunc(maps.Keys(l.metrics), compare)
	return l, nil
}

func compare(a, b Metric) int {
	scope := func(m Metric) int {
		if m.Namespaced {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Resource.String(), b.Resource.String()), cmp.Compare(a.Name, b.Name), cmp.Compare(scope(a), scope(b)))
}
