package delegate

import (
	"encoding/json"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Header marks every request that trimtab sends to a delegate.
const Header = "X-Trimtab-Delegated"

// Delegated is true for a request that another trimtab passed on.
func Delegated(h http.Header) bool { return h.Get(Header) != "" }

// Refuse answers 508 to requests that another trimtab passed on. Use it around a server that has delegates: there such
// a request has gone in a circle, or soon would. So trimtab does not pass requests on to itself, and does not list its
// own metrics as another server's.
func Refuse(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Delegated(r.Header) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusLoopDetected)
		_ = json.NewEncoder(w).Encode(metav1.Status{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
			Status:   metav1.StatusFailure, Code: http.StatusLoopDetected, Reason: metav1.StatusReasonInternalError,
			Message: "this is a trimtab with delegates of its own; it answers nothing that another trimtab passes on",
		})
	})
}
