package api

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
)

// document is the discovery document of a group version. It is encoded once for each generation of the list: each API
// server reads it five times every half minute, only to see whether the server is available.
type document struct {
	version schema.GroupVersion
	list    func() (func() []metav1.APIResource, uint64)

	mu         sync.Mutex
	generation uint64
	encoded    map[string]*body // by media type; nil before the first use
}

// body is an encoded answer, also compressed where that saves enough.
type body struct{ plain, gzip []byte }

func newCustomDocument(v version, api CustomAPI) *document {
	return &document{version: v.groupVersion(), list: func() (func() []metav1.APIResource, uint64) {
		list, generation := api.CustomMetrics()
		return func() []metav1.APIResource { return customResources(list) }, generation
	}}
}

func newExternalDocument(api ExternalAPI) *document {
	return &document{version: externalV1beta1.groupVersion(), list: func() (func() []metav1.APIResource, uint64) {
		names, generation := api.ExternalMetrics()
		return func() []metav1.APIResource { return externalResources(names) }, generation
	}}
}

// in returns the document in an encoding.
func (d *document) in(e encoding) (*body, error) {
	list, generation := d.list()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.encoded == nil || d.generation != generation {
		d.encoded, d.generation = map[string]*body{}, generation
	}
	if known := d.encoded[e.mediaType]; known != nil {
		return known, nil
	}
	object := &metav1.APIResourceList{GroupVersion: d.version.String(), APIResources: list()}
	plain, err := runtime.Encode(apiserver.Codecs.EncoderForVersion(e.serializer, schema.GroupVersion{}), object)
	if err != nil {
		return nil, fmt.Errorf("encode the resources of %s: %w", d.version, err)
	}
	made := &body{plain: plain}
	if len(plain) > gzipAbove {
		var compressed bytes.Buffer
		zip := gzip.NewWriter(&compressed) // writes to memory do not fail
		_, _ = zip.Write(plain)
		_ = zip.Close()
		made.gzip = compressed.Bytes()
	}
	d.encoded[e.mediaType] = made
	return made, nil
}

func customResources(list []CustomMetric) []metav1.APIResource {
	resources := make([]metav1.APIResource, len(list))
	for i, m := range list {
		resources[i] = metav1.APIResource{
			Name: m.Resource.String() + "/" + m.Name, Namespaced: m.Namespaced, Kind: "MetricValueList", Verbs: metav1.Verbs{"get"},
		}
	}
	return sorted(resources)
}

func externalResources(names []string) []metav1.APIResource {
	resources := make([]metav1.APIResource, len(names))
	for i, name := range names {
		resources[i] = metav1.APIResource{Name: name, Namespaced: true, Kind: "ExternalMetricValueList", Verbs: metav1.Verbs{"get"}}
	}
	return sorted(resources)
}

func sorted(resources []metav1.APIResource) []metav1.APIResource {
	slices.SortStableFunc(resources, func(a, b metav1.APIResource) int { return cmp.Compare(a.Name, b.Name) })
	return resources
}
