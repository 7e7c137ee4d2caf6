package api

import (
	"net/http"
	"strings"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// withoutRetryAfter removes the header Retry-After from answers to clients built on client-go. Such a client waits that
// long and asks again, up to ten times, before it returns the error. In the HPA controller this would block one of the
// few workers for minutes, and the HPA's condition would not show the cause until then. The time is still in the
// details of the status.
func withoutRetryAfter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isClientGo(r.UserAgent()) {
			w = responsewriter.WrapForHTTP1Or2(headerless{w})
		}
		next.ServeHTTP(w, r)
	})
}

// isClientGo recognises client-go by its user agent: "kubectl/v1.37.0 (linux/amd64) kubernetes/abcdef0".
func isClientGo(userAgent string) bool { return strings.Contains(userAgent, ") kubernetes/") }

type headerless struct{ http.ResponseWriter }

// Unwrap implements responsewriter.UserProvidedDecorator.
func (h headerless) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h headerless) WriteHeader(code int) {
	h.Header().Del("Retry-After")
	h.ResponseWriter.WriteHeader(code)
}
