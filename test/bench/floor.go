package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	certutil "k8s.io/client-go/util/cert"

	"github.com/trimtab/trimtab/test/bench/peers"
	"github.com/trimtab/trimtab/test/conformance/proxy"
)

// The floor is what no server in Go can go below on this machine: one that reads nothing of a request and sends
// the same few bytes each time. It stands behind the same API server as the two programs do, and is asked by the
// same callers.

// floors are the protocols that it is measured with.
func floors() []string { return []string{"HTTP/2", "HTTP/1.1"} }

// floorBytes is the size of an answer about one pod.
const floorBytes = 321

// floorName is how the report calls it.
func floorName(protocol string) string { return "empty handler, " + protocol }

// serveFloor is the process that only answers, until it is stopped.
func serveFloor(port, protocol string) error {
	server, err := newFloor(protocol)
	if err != nil {
		return err
	}
	server.Addr = net.JoinHostPort("127.0.0.1", port)
	return server.ListenAndServeTLS("", "")
}

func newFloor(protocol string) (*http.Server, error) {
	cert, key, err := certutil.GenerateSelfSignedCertKey("localhost", nil, nil)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	body := []byte(strings.Repeat(" ", floorBytes-2) + "{}")
	server := &http.Server{
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert},
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		}),
	}
	if protocol == "HTTP/1.1" {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // none but HTTP/1.1
	}
	return server, nil
}

// floor measures it with both protocols, as the other programs are. Nobody asks Prometheus, however quick that is.
func (b *bench) floor(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	kind := b.requestKinds()[0]
	between, err := proxy.Start(b.prometheus.URL)
	if err != nil {
		return err
	}
	defer between.Close()
	for _, protocol := range floors() {
		p, err := b.lab.RunPath("floor", self, "--floor="+protocol, "--port="+strconv.Itoa(b.ports.MetricsAPI))
		if err != nil {
			return err
		}
		a := adapter{peers.Program{Process: p, User: "system:nobody"}} // it asks the API server nothing
		b.Say("an empty handler, %s", protocol)
		err = b.untilServed(ctx, a, kind.path(0))
		if err == nil {
			err = b.closed(ctx, a, floorName(protocol), b.pods[0], requestKind{"nothing", kind.path})
		}
		if err == nil {
			b.Say("%s: %d sync cycles of %d HPAs", floorName(protocol), b.cycles, b.objects)
			err = b.cycle(ctx, a, floorName(protocol), between, 0)
		}
		a.Stop()
		if err != nil {
			return fmt.Errorf("%s: %w", floorName(protocol), err)
		}
	}
	return nil
}
