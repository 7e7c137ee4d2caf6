package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certutil "k8s.io/client-go/util/cert"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/programs"
)

// serveResourceMetrics takes the place of metrics-server, which VPA's recommender asks for the usage that trimtab has
// of Prometheus: there are no kubelets that it could ask. Until stop it tells the same as feed.
func (b *bench) serveResourceMetrics(ctx context.Context) (stop func(), err error) {
	cert, key, err := certutil.GenerateSelfSignedCertKey("localhost", nil, nil)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: b.resourceMetrics(), ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	go func() { _ = server.ServeTLS(listener, "", "") }() // until it is closed
	stop = func() { _ = server.Close() }
	if err := b.registerResourceMetrics(ctx, listener.Addr().(*net.TCPAddr).Port); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

func (b *bench) registerResourceMetrics(ctx context.Context, port int) error {
	root, err := programs.Checkout()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy", "apiservice-resource-metrics.yaml"))
	if err != nil {
		return err
	}
	if err := b.lab.Apply(ctx, string(text)); err != nil {
		return err
	}
	if err := b.lab.Lead(ctx, port, lab.ResourceMetrics); err != nil {
		return err
	}
	return lab.Poll(ctx, polled, b.serves("/apis/metrics.k8s.io/v1beta1"))
}

// podMetrics is a PodMetrics of metrics.k8s.io/v1beta1.
type podMetrics struct {
	metav1.ObjectMeta `json:"metadata"`
	Timestamp         metav1.Time        `json:"timestamp"`
	Window            string             `json:"window"`
	Containers        []containerMetrics `json:"containers"`
}

type containerMetrics struct {
	Name  string            `json:"name"`
	Usage map[string]string `json:"usage"`
}

// resourceMetrics are the two pages that the recommender asks for: what there is, and the usage of all pods.
func (o options) resourceMetrics() http.Handler {
	const version = "metrics.k8s.io/v1beta1"
	mux := http.NewServeMux()
	answer := func(path string, body func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body()) // who asked may have gone
		})
	}
	answer("/apis/"+version, func() any {
		return metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: version,
			APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}}},
		}
	})
	answer("/apis/"+version+"/pods", func() any {
		return map[string]any{"kind": "PodMetricsList", "apiVersion": version, "metadata": map[string]any{}, "items": o.usage(time.Now())}
	})
	return mux
}

// usage is that of all pods.
func (o options) usage(now time.Time) []podMetrics {
	out := make([]podMetrics, o.pods)
	for n := range out {
		d := n / replicas
		out[n] = podMetrics{ObjectMeta: o.meta(d, podName(n)), Timestamp: metav1.NewTime(now), Window: "15s"}
		for _, c := range template(d).Spec.Containers {
			out[n].Containers = append(out[n].Containers, containerMetrics{Name: c.Name, Usage: map[string]string{"cpu": "80m", "memory": "200Mi"}})
		}
	}
	return out
}
