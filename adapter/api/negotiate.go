package api

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"

	"github.com/trimtab/trimtab/internal/recent"
)

const (
	acceptLimit = 512
	mediaLimit  = 128
)

// encoding is the form of an answer.
type encoding struct {
	mediaType  string
	serializer runtime.Serializer
	proto      bool
	// ours is false for encodings that only the library writes.
	ours bool
}

// negotiator finds the encoding that a client wants. The library reads each distinct Accept header once.
type negotiator struct{ known *recent.Cache[encoding] }

func newNegotiator() *negotiator { return &negotiator{recent.New[encoding](mediaLimit)} }

// encoding is false for a request that the library must answer: indented JSON for people, and encodings other than
// plain JSON and protobuf.
func (n *negotiator) encoding(r *http.Request) (encoding, bool) {
	if isForPeople(r.UserAgent()) {
		return encoding{}, false
	}
	accept := r.Header.Get("Accept")
	if len(accept) > acceptLimit {
		return encoding{}, false
	}
	e, ok := n.known.Get([]byte(accept))
	if !ok {
		e = negotiate(accept)
		n.known.Put(accept, e)
	}
	return e, e.ours
}

func negotiate(accept string) encoding {
	options, ok := negotiation.NegotiateMediaTypeOptions(accept, apiserver.Codecs.SupportedMediaTypes(), negotiation.DefaultEndpointRestrictions)
	if !ok || options.Pretty || options.Stream != "" || options.Convert != nil || options.UseServerVersion != "" || options.Export {
		return encoding{}
	}
	e := encoding{mediaType: options.Accepted.MediaType, serializer: options.Accepted.Serializer}
	e.proto = e.mediaType == runtime.ContentTypeProtobuf
	e.ours = e.proto || e.mediaType == runtime.ContentTypeJSON
	return e
}

// isForPeople is true for the clients that get indented JSON from the library.
func isForPeople(userAgent string) bool {
	for _, prefix := range []string{"curl", "Wget", "Mozilla/5.0"} {
		if strings.HasPrefix(userAgent, prefix) {
			return true
		}
	}
	return false
}

const gzipAbove = 128 * 1024 // as in the library

func takesGzip(r *http.Request) bool {
	for token := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(token) == "gzip" {
			return true
		}
	}
	return false
}
