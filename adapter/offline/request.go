package offline

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
)

// Request is one GET of a metrics API.
type Request struct {
	// Get is the path and query: /apis/custom.metrics.k8s.io/v1beta1/... Required.
	Get string `yaml:"get"`
	// Want is the wanted answer. Default: any answer.
	Want *Want `yaml:"want"`
}

// Validate checks what the types cannot.
func (r *Request) Validate() config.Problems {
	var ps config.Problems
	if _, err := r.target(); err != nil {
		ps.Add("get", "%v", err)
	}
	return ps
}

// groups are the API groups of the metrics APIs.
func groups() []string {
	return []string{"custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"}
}

// target is the URL of the request.
func (r *Request) target() (*url.URL, error) {
	if r.Get == "" {
		return nil, fmt.Errorf("is required: a path such as /apis/custom.metrics.k8s.io/v1beta1/namespaces/NAMESPACE/pods/*/METRIC")
	}
	target, err := url.ParseRequestURI(r.Get)
	if err != nil || strings.ContainsAny(r.Get, " #") {
		return nil, fmt.Errorf("%.200q is no path; a space is written %%20, = in a selector %%3D", r.Get)
	}
	group, _, _ := strings.Cut(strings.TrimPrefix(target.EscapedPath(), "/apis/"), "/")
	if target.Host != "" || !strings.HasPrefix(target.Path, "/apis/") || !slices.Contains(groups(), group) {
		return nil, fmt.Errorf("%.200q is no path of a metrics API; it begins with /apis/ and one of %s", r.Get, strings.Join(groups(), ", "))
	}
	return target, nil
}
