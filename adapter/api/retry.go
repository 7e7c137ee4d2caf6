package api

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// withoutRetryAfter takes the header Retry-After out of answers to clients built on client-go. These do not
// hand it to their caller: they wait that long and ask again, ten times over, before they return the error.
// In the HPA controller this would hold one of the few workers that serve all HPAs of a cluster for minutes, and
// the condition of the HPA would not tell the cause until then. The time still stands in the status's details.
func withoutRetryAfter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isClientGo(r.UserAgent()) {
			w = responsewriter.WrapForHTTP1Or2(headerless{w})
		}
		next.ServeHTTP(w, r)
	})
}

// isClientGo knows client-go by the form of its user agents: "kubectl/v1.37.0 (linux/amd64) kubernetes/abcdef0".
func isClientGo(userAgent string) bool { return strings.Contains(userAgent, ") kubernetes/") }

type headerless struct{ http.ResponseWriter }

// Unwrap implements responsewriter.UserProvidedDecorator.
func (h headerless) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h headerless) WriteHeader(code int) {
	h.Header().Del("Retry-After")
	h.ResponseWriter.WriteHeader(code)
}
