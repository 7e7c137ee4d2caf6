package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/bench/peers"
	"github.com/trimtab/trimtab/test/lab"
)

// peer is a program beside trimtab, and what makes sure that it does its work.
type peer struct {
	peers.Program
	works func(ctx context.Context) error
}

// measurePeers starts all of them at one moment, as trimtab starts its parts, and lets them run together: that is what
// a cluster has without trimtab. trimtab has ended.
func (b *bench) measurePeers(ctx context.Context) (*peersReport, error) {
	if err := b.each(ctx, "HPAs of ScaledObjects are removed", b.objects, b.removeHPA); err != nil {
		return nil, err
	}
	if err := b.feed(ctx); err != nil {
		return nil, err
	}
	stop, err := b.serveResourceMetrics(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	began := time.Now()
	all, err := b.startPeers(ctx)
	if err != nil {
		return nil, err
	}
	r := newPeersReport(b.options)
	r.Programs = make([]peerReport, len(all))
	g, waiting := errgroup.WithContext(ctx)
	for i, p := range all {
		r.Programs[i].Name = p.Name
		g.Go(func() error { return b.untilWorks(waiting, p, began, &r.Programs[i]) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return r, b.restPeers(ctx, all, r)
}

// removeHPA removes what trimtab made for the n-th ScaledObject, so that KEDA makes it anew.
func (b *bench) removeHPA(ctx context.Context, n int) error {
	d := b.objects + n
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespaceOf(d), Name: "keda-hpa-" + deploymentName(d)}}
	return b.writer.Delete(ctx, hpa)
}

// startPeers starts the programs.
func (b *bench) startPeers(ctx context.Context) ([]peer, error) {
	b.Say("prometheus-adapter, KEDA and VPA start")
	file := filepath.Join(b.lab.Dir, "peers-rules.yaml")
	if err := os.WriteFile(file, []byte(podRules), 0o644); err != nil {
		return nil, err
	}
	port, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	adapter, err := peers.StartAdapter(ctx, b.lab, port, b.prometheus.URL, file)
	if err != nil {
		return nil, err
	}
	keda, err := peers.StartKEDA(ctx, b.lab)
	if err != nil {
		return nil, err
	}
	vpa, err := peers.StartVPA(ctx, b.lab)
	if err != nil {
		return nil, err
	}
	if err := b.lab.Lead(ctx, port, lab.CustomMetrics, lab.CustomMetricsBeta1); err != nil {
		return nil, err
	}
	if err := b.lab.Lead(ctx, keda.Port, lab.ExternalMetrics); err != nil {
		return nil, err
	}
	scaled, asked := b.objects, 2*b.objects // Deployments with a ScaledObject, and with an HPA
	return []peer{
		{adapter, b.serves("/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + b.namespaceOf(asked) + "/pods/" + podName(asked*replicas) + "/" + podsMetric)},
		{keda.Operator, b.hasHPAs},
		{keda.Adapter, b.serves("/apis/external.metrics.k8s.io/v1beta1/namespaces/" + b.namespaceOf(scaled) + "/s0-prometheus?labelSelector=scaledobject.keda.sh/name%3D" + deploymentName(scaled))},
		{vpa.Recommender, b.wentRound(vpa.Recommender, "vpa_recommender")},
		{vpa.Updater, b.wentRound(vpa.Updater, "vpa_updater")},
		{vpa.Admission, func(ctx context.Context) error {
			return b.writer.Get(ctx, client.ObjectKey{Name: peers.VPAWebhook}, &admissionv1.MutatingWebhookConfiguration{})
		}},
	}, nil
}

// untilWorks waits until the program is healthy, and then until it works.
func (b *bench) untilWorks(ctx context.Context, p peer, began time.Time, r *peerReport) (err error) {
	if err := p.Process.WaitOK(ctx, p.Health); err != nil {
		return err
	}
	r.HealthySeconds = time.Since(began).Seconds()
	if err := lab.Poll(ctx, polled, p.works); err != nil {
		return fmt.Errorf("%s does not work: %w\n%s", p.Name, err, p.Process.Tail(10))
	}
	r.WorksSeconds = time.Since(began).Seconds()
	r.Start, err = b.look(ctx, p.Program)
	return err
}

// restPeers watches them at rest, and takes the profiles of their heaps.
func (b *bench) restPeers(ctx context.Context, all []peer, r *peersReport) (err error) {
	running := make([]peers.Program, len(all))
	into := make([]*measured, len(all))
	for i, p := range all {
		running[i], into[i] = p.Program, &r.Programs[i].measured
	}
	if err := b.rest(ctx, running, into); err != nil {
		return err
	}
	for i, p := range running {
		if into[i].Collected, err = b.collect(ctx, p, b.profiles, p.Name+"-heap.pb.gz"); err != nil {
			return err
		}
	}
	return nil
}

// serves is the condition that the API server gives the program's answer.
func (b *bench) serves(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := rest.HTTPClientFor(b.lab.REST)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.lab.REST.Host+path, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return lab.Want(resp.StatusCode, http.StatusOK)
	}
}

// hasHPAs is the condition that each ScaledObject has its HPA, beside the HPAs that there are without one: as many.
func (b *bench) hasHPAs(ctx context.Context) error {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscalerList"))
	if err := b.writer.List(ctx, &list); err != nil {
		return err
	}
	return lab.Want(len(list.Items), 2*b.objects)
}

// wentRound is the condition that a program of VPA has ended its first round.
func (b *bench) wentRound(p peers.Program, namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		m, err := b.readMetrics(ctx, p)
		if err != nil {
			return err
		}
		if m.sum(namespace+`_execution_latency_seconds_count{step="total"`) == 0 {
			return fmt.Errorf("%s has not gone round", p.Name)
		}
		return nil
	}
}
