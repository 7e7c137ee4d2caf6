package kube

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// apiServer serves discovery, and the scale of whatever it has.
type apiServer struct {
	mu sync.Mutex
	// groups are the group versions, such as apps/v1, with their resources, by kind.
	groups map[string]map[string]string
}

func (s *apiServer) serve(groupVersion, kind, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[groupVersion] == nil {
		s.groups[groupVersion] = map[string]string{}
	}
	s.groups[groupVersion][kind] = resource
}

func (s *apiServer) drop(groupVersion string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, groupVersion)
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/")
	var answer any
	switch {
	case r.URL.Path == "/api":
		answer = metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case r.URL.Path == "/apis":
		answer = s.list()
	case strings.HasSuffix(path, "/scale") && s.groups[strings.Split(path, "/namespaces/")[0]] != nil:
		answer = autoscalingv1.Scale{TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"}, Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	case s.groups[path] != nil:
		all := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: path}
		for kind, resource := range s.groups[path] {
			all.APIResources = append(all.APIResources,
				metav1.APIResource{Name: resource, Kind: kind, Namespaced: true, Verbs: metav1.Verbs{"get", "list", "watch"}},
				metav1.APIResource{Name: resource + "/scale", Kind: "Scale", Group: "autoscaling", Version: "v1", Namespaced: true, Verbs: metav1.Verbs{"get", "update"}})
		}
		answer = all
	default:
		http.NotFound(w, r) // without a Status, as the API server answers for a path that it does not have
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *apiServer) list() metav1.APIGroupList {
	out := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for groupVersion := range s.groups {
		group, version, ok := strings.Cut(groupVersion, "/")
		if !ok {
			continue
		}
		v := metav1.GroupVersionForDiscovery{GroupVersion: groupVersion, Version: version}
		out.Groups = append(out.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
	}
	return out
}

// connected is a Kube on a server that has nothing but pods and Deployments.
func connected(t *testing.T) (*apiServer, *Kube) {
	t.Helper()
	server := &apiServer{groups: map[string]map[string]string{"v1": {"Pod": "pods"}, "apps/v1": {"Deployment": "deployments"}}}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	path := filepath.Join(t.TempDir(), "config")
	text := contextX + "clusters: [{name: c, cluster: {server: '" + listener.URL + "'}}]\nusers: [{name: a, user: {}}]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := defaults()
	cfg.Kubeconfig = path
	k, err := New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatalf("a server that has little: %v", err)
	}
	return server, k
}

// A server that lacks all that is optional is good enough; what it gets later is found.
func TestServesWithoutOptionalAPIs(t *testing.T) {
	t.Parallel()
	server, k := connected(t)
	claims := resourcev1.SchemeGroupVersion.WithKind("ResourceClaim")
	deployments := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	check := func(want ...schema.GroupVersionKind) {
		t.Helper()
		if got, err := Missing(k.Mapper, claims, deployments); err != nil || !slices.Equal(got, want) {
			t.Errorf("missing %v, %v; want %v", got, err, want)
		}
	}
	check(claims)
	server.serve("resource.k8s.io/v1beta2", "ResourceClaim", "resourceclaims")
	check(claims)
	server.serve("resource.k8s.io/v1", "ResourceClaim", "resourceclaims")
	check()
	if _, err := Missing(down{}, claims); err == nil {
		t.Error("a server that is down is taken for one that lacks the kind")
	}
}

// down answers nothing.
type down struct{ meta.RESTMapper }

func (down) RESTMapping(schema.GroupKind, ...string) (*meta.RESTMapping, error) {
	return nil, errors.New("the API server is down")
}

// A kind whose CRD is installed after the first scale was read can be scaled too.
func TestScaleOfAKindThatComesLater(t *testing.T) {
	t.Parallel()
	server, k := connected(t)
	scale := func(resource schema.GroupResource) error {
		_, err := k.Scale.Scales("shop").Get(t.Context(), resource, "web", metav1.GetOptions{})
		return err
	}
	rollouts := schema.GroupResource{Group: "argoproj.io", Resource: "rollouts"}
	if err := scale(schema.GroupResource{Group: "apps", Resource: "deployments"}); err != nil {
		t.Fatal(err)
	}
	if err := scale(rollouts); err == nil {
		t.Fatal("a kind that is not there has a scale")
	}
	server.serve("argoproj.io/v1alpha1", "Rollout", "rollouts")
	if err := scale(rollouts); err != nil {
		t.Errorf("after it was installed: %v", err)
	}
}

// A kind whose CRD is replaced by one of another version can be scaled on. What has no scale is not asked about each time.
func TestScaleOfAKindInAnotherVersion(t *testing.T) {
	t.Parallel()
	server, k := connected(t)
	now := time.Now()
	k.Scale.(*scales).now = func() time.Time { return now }
	gadgets := schema.GroupResource{Group: "example.com", Resource: "gadgets"}
	scaled := func() error {
		_, err := k.Scale.Scales("shop").Get(t.Context(), gadgets, "web", metav1.GetOptions{})
		return err
	}
	server.serve("example.com/v1alpha1", "Gadget", "gadgets")
	if err := scaled(); err != nil {
		t.Fatal(err)
	}
	server.drop("example.com/v1alpha1")
	server.serve("example.com/v1", "Gadget", "gadgets")
	if err := scaled(); err != nil {
		t.Errorf("after the version was replaced: %v", err)
	}
	server.drop("example.com/v1")
	server.serve("example.com/v2", "Gadget", "gadgets")
	now = now.Add(relearnAfter - time.Second)
	if err := scaled(); !pathIsGone(err) {
		t.Errorf("before the time is over: %v", err)
	}
	now = now.Add(time.Second)
	if err := scaled(); err != nil {
		t.Errorf("once the time is over: %v", err)
	}
}
