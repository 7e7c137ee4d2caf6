package prom

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what a client needs. The zero value is enough.
type Deps struct {
	// Registry gets series for each server. Nil means no series, for example for servers that users name.
	Registry prometheus.Registerer
	// Log gets the parts of answers that errors do not repeat, at level debug. Nil drops them.
	Log *slog.Logger
	// Transport sends the requests of several clients. It must not authenticate. Nil: the client makes its own, with
	// the settings tls, oauth2 and sigv4.
	Transport http.RoundTripper
	// Decoders are shared by several clients. Nil: the client makes its own.
	Decoders *Decoders
}

// Decoders keep the memory of an answer for later ones. The zero value is ready to use.
type Decoders struct{ free sync.Pool }

func (p *Decoders) take() *decoder {
	if d, ok := p.free.Get().(*decoder); ok {
		return d
	}
	return newDecoder()
}

func (p *Decoders) giveBack(d *decoder) {
	if d.most <= keptBuffer {
		d.reset(nil)
		p.free.Put(d)
	}
}
