package api

import (
	"context"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/trimtab/trimtab/internal/recent"
)

const (
	// urlMost is the length of path and query above which a request is refused unread. Parsing a label selector takes
	// many times its length in memory, and it happens before authentication.
	urlMost = 16 << 10
	// urlLimit is the length above which a URL is left to the library. It keeps the memory for known URLs small.
	urlLimit = 4096
	// routeLimit bounds how many URLs are remembered; the cache can hold twice as many.
	routeLimit = 2048
)

// route is what a URL asks for. All requests for that URL share it, and nobody changes it.
type route struct {
	version version
	// attributes are authorised, as the library reads the URL. The user is missing.
	attributes authorizer.AttributesRecord
	// list is set if the URL asks for the discovery document of the version. Otherwise it asks for a metric.
	list     *document
	custom   CustomRequest
	external ExternalRequest
}

// routes reads URLs. The library's own reading of the URL says which attributes are authorised. Everything that does
// not look exactly like a known request is left to the library.
type routes struct {
	info  request.RequestInfoResolver
	lists map[string]*document // by path
	known *recent.Cache[*route]
}

// find is nil for a request that the library must answer. It knows only the URLs that remember kept.
func (s *routes) find(r *http.Request, key []byte) (found *route, remembered bool) {
	if found, ok := s.known.Get(key); ok {
		return found, true
	}
	return s.read(r), false
}

// remember keeps a route for later requests with the same URL.
func (s *routes) remember(key []byte, found *route) { s.known.Put(string(key), found) }

// appendRouteKey writes the parts of a URL that decide the route. It is false for a URL that the library must read.
func appendRouteKey(b []byte, u *url.URL) ([]byte, bool) {
	if len(u.Path)+len(u.RawQuery) > urlLimit {
		return b, false
	}
	if strings.Contains(u.RawPath, "%") { // an escaped slash, or the like
		return b, false
	}
	b = binary.AppendUvarint(b, uint64(len(u.Path)))
	return append(append(b, u.Path...), u.RawQuery...), true
}

func (s *routes) read(r *http.Request) *route {
	if !isClean(r.URL.Path) {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil
	}
	selector, ok := readSelector(query, "labelSelector") // first, since the library logs a bad one
	if !ok {
		return nil
	}
	info, err := s.info.NewRequestInfo(r)
	if err != nil {
		return nil
	}
	attributes, err := filters.GetAuthorizerAttributes(request.WithRequestInfo(context.Background(), info))
	if err != nil {
		return nil
	}
	record, ok := attributes.(*authorizer.AttributesRecord)
	if !ok || record.LabelSelectorParsingErr != nil || record.FieldSelectorParsingErr != nil {
		return nil
	}
	found := &route{attributes: *record}
	switch {
	case s.lists[r.URL.Path] != nil:
		found.list = s.lists[r.URL.Path]
		ok = hasOnly(query)
	case s.serves(customV1beta1, info):
		ok = found.readCustom(customV1beta1, info, query, selector)
	case s.serves(customV1beta2, info):
		ok = found.readCustom(customV1beta2, info, query, selector)
	case s.serves(externalV1beta1, info):
		ok = found.readExternal(info, query, selector)
	default:
		ok = false
	}
	if !ok {
		return nil
	}
	return found
}

// serves is true if the discovery document of the version is served too.
func (s *routes) serves(v version, info *request.RequestInfo) bool {
	gv := v.groupVersion()
	return info.APIGroup == gv.Group && info.APIVersion == gv.Version && s.lists["/apis/"+v.apiVersion()] != nil
}

// readCustom reads RESOURCE/NAME/METRIC, with or without a namespace, and namespaces/NS/metrics/METRIC.
func (d *route) readCustom(v version, info *request.RequestInfo, query url.Values, selector labels.Selector) bool {
	if info.Verb != "get" || !hasOnly(query, "labelSelector", "metricLabelSelector") {
		return false
	}
	q := CustomRequest{Selector: labels.Everything()}
	switch {
	case info.Namespace == "" && len(info.Parts) == 3,
		info.Namespace != "" && len(info.Parts) == 3 && info.Resource != "metrics" && info.Resource != "namespaces":
		q.Resource, q.Name, q.Metric = schema.ParseGroupResource(info.Resource), info.Name, info.Subresource
		q.Namespaced, q.Namespace = info.Namespace != "", info.Namespace
	case info.Namespace != "" && len(info.Parts) == 2 && info.Resource == "metrics":
		q.Resource, q.Name, q.Metric = schema.GroupResource{Resource: "namespaces"}, info.Namespace, info.Name
	default:
		return false
	}
	if q.Name == "*" {
		q.Name, q.Selector = "", selector
	}
	var ok bool
	q.MetricSelector, ok = readSelector(query, "metricLabelSelector")
	d.version, d.custom = v, q
	return ok
}

// readExternal reads namespaces/NS/METRIC.
func (d *route) readExternal(info *request.RequestInfo, query url.Values, selector labels.Selector) bool {
	if info.Verb != "list" || info.Namespace == "" || len(info.Parts) != 1 || !hasOnly(query, "labelSelector") {
		return false
	}
	d.version, d.external = externalV1beta1, ExternalRequest{Namespace: info.Namespace, Metric: info.Resource, Selector: selector}
	return true
}

// isClean is true for a path without empty parts, without dot segments, and without a slash at its end.
func isClean(path string) bool {
	if !strings.HasPrefix(path, "/apis/") {
		return false
	}
	for part := range strings.SplitSeq(path[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// hasOnly is true if the query has no parameters but these, each given once. Time-outs are not among them: the
// library's filters read them.
func hasOnly(query url.Values, names ...string) bool {
	for name, values := range query {
		if len(values) != 1 || !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func readSelector(query url.Values, name string) (labels.Selector, bool) {
	text := query.Get(name)
	if text == "" {
		return labels.Everything(), true
	}
	selector, err := labels.Parse(text)
	return selector, err == nil
}
