package prom

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what a client works with. The zero value is enough.
type Deps struct {
	// Registry gets series for each server. Nil: there are none, as for servers that users name.
	Registry prometheus.Registerer
	// Log gets, at level debug, what errors do not repeat of an answer. Nil drops it.
	Log *slog.Logger
	// Transport sends the requests of several clients. It must not authenticate. Nil: the client has one of its own, for
	// the settings tls, oauth2 and sigv4.
	Transport http.RoundTripper
	// Decoders are shared by several clients. Nil: the client has its own.
	Decoders *Decoders
}

// Decoders keep the memory of one answer for the next. The zero value is ready for use.
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
