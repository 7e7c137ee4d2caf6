package apitest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
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

// Cluster starts the stand-in, which ends with the test, and returns how to reach it.
func Cluster(t testing.TB) *rest.Config {
	t.Helper()
	cfg, _ := ClusterWithProxy(t)
	return cfg
}

// ClusterWithProxy is Cluster with the certificates by which its API server is known when it passes a request
// on: that of its front proxy first, then one of the same authority with a name that is not allowed to.
func ClusterWithProxy(t testing.TB) (*rest.Config, [2]tls.Certificate) {
	t.Helper()
	clients, proxies := newAuthority(t), newAuthority(t)
	names := func(s string) string { return `["` + s + `"]` }
	cm := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication", ResourceVersion: "1"},
		Data: map[string]string{
			"client-ca-file": clients.pem, "requestheader-client-ca-file": proxies.pem,
			"requestheader-allowed-names": names(proxyName), "requestheader-username-headers": names("X-Remote-User"),
			"requestheader-group-headers": names("X-Remote-Group"), "requestheader-extra-headers-prefix": names("X-Remote-Extra-"),
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps/{name}", func(w http.ResponseWriter, _ *http.Request) { write(w, cm) })
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/configmaps", func(w http.ResponseWriter, r *http.Request) { listOrWatch(w, r, cm) })
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", reviewToken)
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", reviewAccess)
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // watches never end by themselves
	var pemCA bytes.Buffer
	if err := pem.Encode(&pemCA, &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}); err != nil {
		t.Fatal(err)
	}
	cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: pemCA.Bytes()}}
	return cfg, [2]tls.Certificate{proxies.client(t, proxyName), proxies.client(t, "impostor")}
}

func write(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

func listOrWatch(w http.ResponseWriter, r *http.Request, cm *corev1.ConfigMap) {
	if r.URL.Query().Get("watch") == "" {
		write(w, &corev1.ConfigMapList{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMapList"},
			ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []corev1.ConfigMap{*cm},
		})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		write(w, map[string]any{"type": "ADDED", "object": cm})
		end := &corev1.ConfigMap{TypeMeta: cm.TypeMeta, ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: "1", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
		}}
		write(w, map[string]any{"type": "BOOKMARK", "object": end})
	}
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func reviewToken(w http.ResponseWriter, r *http.Request) {
	var review authenticationv1.TokenReview
	_ = json.NewDecoder(r.Body).Decode(&review)
	if user, ok := strings.CutSuffix(review.Spec.Token, "-token"); ok {
		review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: user}}
	}
	write(w, review)
}

func reviewAccess(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	_ = json.NewDecoder(r.Body).Decode(&review)
	review.Status.Allowed = review.Spec.User == "allowed"
	write(w, review)
}
