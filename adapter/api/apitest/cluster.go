package apitest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

const (
	// Allowed is the token of a user who may do all.
	Allowed = "allowed-token"
	// Known is the token of a user who may do nothing.
	Known = "known-token"
)

// Cluster starts the stand-in and returns the way to reach it. The stand-in ends with the test.
func Cluster(t testing.TB) *rest.Config {
	t.Helper()
	return Start(t).REST
}

// ClusterWithProxy is Cluster with two client certificates for the API server's front proxy. The first is the allowed
// one. The second is of the same authority, with a name that is not allowed.
func ClusterWithProxy(t testing.TB) (*rest.Config, [2]tls.Certificate) {
	t.Helper()
	s := Start(t)
	return s.REST, [2]tls.Certificate{s.Proxies.Client(t, ProxyName), s.Proxies.Client(t, "impostor")}
}

// Server is a stand-in that a test can look into and change.
type Server struct {
	// REST is how to reach it.
	REST *rest.Config
	// Clients and Proxies sign the certificates of clients and of front proxies.
	Clients, Proxies *Authority

	mu      sync.Mutex
	cm      *corev1.ConfigMap
	changed chan struct{} // closed at the next change
	held    chan struct{} // access reviews are answered when it is closed
	reviews []authorizationv1.SubjectAccessReviewSpec
}

// Start starts the stand-in. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	names := func(s string) string { return `["` + s + `"]` }
	s := &Server{Clients: NewAuthority(t), Proxies: NewAuthority(t), changed: make(chan struct{}), held: make(chan struct{})}
	close(s.held)
	s.cm = &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication", ResourceVersion: "1"},
		Data: map[string]string{
			"client-ca-file": s.Clients.PEM, "requestheader-client-ca-file": s.Proxies.PEM,
			"requestheader-allowed-names": names(ProxyName), "requestheader-username-headers": names("X-Remote-User"),
			"requestheader-group-headers": names("X-Remote-Group"), "requestheader-extra-headers-prefix": names("X-Remote-Extra-"),
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps/{name}", func(w http.ResponseWriter, _ *http.Request) {
		cm, _ := s.current()
		write(w, cm)
	})
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps", s.listOrWatch)
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", reviewToken)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", s.reviewAccess)
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // watches never end by themselves
	var pemCA bytes.Buffer
	if err := pem.Encode(&pemCA, &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}); err != nil {
		t.Fatal(err)
	}
	s.REST = &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: pemCA.Bytes()}}
	return s
}

// Publish changes a value of the configmap. Watchers get the change.
func (s *Server) Publish(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cm = s.cm.DeepCopy()
	s.cm.Data[key] = value
	version, _ := strconv.Atoi(s.cm.ResourceVersion)
	s.cm.ResourceVersion = strconv.Itoa(version + 1)
	close(s.changed)
	s.changed = make(chan struct{})
}

// HoldReviews leaves access reviews without an answer until release is called.
func (s *Server) HoldReviews() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return func() { close(held) }
}

// Reviews are the access reviews that were asked for so far.
func (s *Server) Reviews() []authorizationv1.SubjectAccessReviewSpec {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]authorizationv1.SubjectAccessReviewSpec(nil), s.reviews...)
}

func (s *Server) current() (*corev1.ConfigMap, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cm, s.changed
}

func write(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

func (s *Server) listOrWatch(w http.ResponseWriter, r *http.Request) {
	cm, changed := s.current()
	if r.URL.Query().Get("watch") == "" {
		write(w, &corev1.ConfigMapList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMapList"},
			ListMeta: metav1.ListMeta{ResourceVersion: cm.ResourceVersion}, Items: []corev1.ConfigMap{*cm},
		})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		write(w, map[string]any{"type": "ADDED", "object": cm})
		end := &corev1.ConfigMap{TypeMeta: cm.TypeMeta, ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: cm.ResourceVersion, Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
		}}
		write(w, map[string]any{"type": "BOOKMARK", "object": end})
	} else if r.URL.Query().Get("resourceVersion") != cm.ResourceVersion {
		write(w, map[string]any{"type": "MODIFIED", "object": cm})
	}
	for {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-changed:
			cm, changed = s.current()
			write(w, map[string]any{"type": "MODIFIED", "object": cm})
		}
	}
}

func reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authenticationv1.TokenReview
	_ = json.NewDecoder(r.Body).Decode(&review)
	if user, ok := strings.CutSuffix(review.Spec.Token, "-token"); ok {
		review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: user}}
	}
	write(w, review)
}

func (s *Server) reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	_ = json.NewDecoder(r.Body).Decode(&review)
	s.mu.Lock()
	s.reviews = append(s.reviews, review.Spec)
	held := s.held
	s.mu.Unlock()
	select {
	case <-held:
	case <-r.Context().Done():
		return
	}
	review.Status.Allowed = review.Spec.User == "allowed"
	write(w, review)
}
