package explain

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/proxy"
	tunnel "k8s.io/apiserver/pkg/util/proxy"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/trimtab/trimtab/internal/leader"
)

// fakeKubelet is a fake: it speaks the protocol of port-forward as a kubelet does, and sends back what a connection says.
// Of the port 1 it says that nothing listens there.
func fakeKubelet(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	byType := map[string]httpstream.Stream{}
	for range 2 {
		s := <-streams
		byType[s.Headers().Get(corev1.StreamType)] = s
	}
	failures, data := byType[corev1.StreamTypeError], byType[corev1.StreamTypeData]
	if data.Headers().Get(corev1.PortHeader) == "1" {
		fmt.Fprint(failures, "nothing\nlistens")
	} else {
		_, _ = io.Copy(data, io.LimitReader(data, echoed))
	}
	_, _ = failures.Close(), data.Close()
	<-connection.CloseChan()
}

const echoed = 1 << 20

type errorResponder struct{}

func (errorResponder) Error(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusBadGateway)
}

// By WebSocket and by SPDY a connection carries a megabyte both ways, and ends with the reason that the kubelet gives.
func TestBothProtocolsOfPortForward(t *testing.T) {
	kubelet := httptest.NewServer(http.HandlerFunc(fakeKubelet))
	defer kubelet.Close()
	at, err := url.Parse(kubelet.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, takes := range map[string]string{"WebSocket": http.MethodGet, "SPDY": http.MethodPost} {
		t.Run(name, func(t *testing.T) {
			// The API server's own proxy and tunnel, before the fake.
			forward := proxy.NewUpgradeAwareHandler(at, http.DefaultTransport, false, true, errorResponder{})
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method != takes:
					http.Error(w, "not this way", http.StatusForbidden)
				case r.Method == http.MethodGet:
					tunnel.NewTunnelingHandler(forward).ServeHTTP(w, r)
				default:
					forward.ServeHTTP(w, r)
				}
			}))
			defer api.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cfg, pod := &rest.Config{Host: api.URL}, leader.Pod{Namespace: "system", Name: "trimtab"}
			c, err := leader.Dial(ctx, cfg, pod, 8081)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			sent := strings.Repeat("megabyte", echoed/8)
			go func() { _, _ = io.WriteString(c, sent) }()
			got, err := io.ReadAll(c)
			if err != nil || string(got) != sent {
				t.Errorf("%d bytes of %d come back, %v", len(got), len(sent), err)
			}
			refused, err := leader.Dial(ctx, cfg, pod, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer refused.Close()
			want := leader.ForwardError{Pod: pod, Port: 1, Said: "nothing listens"}
			if _, err := refused.Read(make([]byte, 1)); err != want {
				t.Errorf("%v, not %v", err, want)
			}
		})
	}
}
