package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

// writers is how many objects are written at a time.
const writers = 24

// fill makes all objects but those that trimtab acts upon, and waits until the pods run. ReplicaSets and Deployments have
// no controller here, which would make pods of its own.
func (b *bench) fill(ctx context.Context) error {
	unlimited := rest.CopyConfig(b.lab.REST)
	unlimited.QPS = -1
	var err error
	if b.writer, err = client.New(unlimited, client.Options{Scheme: b.lab.Client.Scheme()}); err != nil {
		return err
	}
	if err := b.each(ctx, "namespaces", b.namespaces(), b.createNamespace); err != nil {
		return err
	}
	if err := b.each(ctx, "nodes", b.nodes, func(ctx context.Context, n int) error { return b.writer.Create(ctx, node(n)) }); err != nil {
		return err
	}
	sets := make([]*appsv1.ReplicaSet, b.deployments())
	err = b.each(ctx, "Deployments", len(sets), func(ctx context.Context, d int) error {
		deployment := b.deployment(d)
		if err := b.writer.Create(ctx, deployment); err != nil {
			return err
		}
		deployment.Status = appsv1.DeploymentStatus{Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas, UpdatedReplicas: replicas}
		if err := b.writer.Status().Update(ctx, deployment); err != nil {
			return err
		}
		sets[d] = b.replicaSet(d, deployment.UID)
		if err := b.writer.Create(ctx, sets[d]); err != nil {
			return err
		}
		sets[d].Status = appsv1.ReplicaSetStatus{Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas}
		return b.writer.Status().Update(ctx, sets[d])
	})
	if err != nil {
		return err
	}
	err = b.each(ctx, "pods", b.pods, func(ctx context.Context, n int) error { return b.writer.Create(ctx, b.pod(n, sets[n/replicas])) })
	if err != nil {
		return err
	}
	b.say("waiting until they run")
	return lab.Poll(ctx, polled, b.allRun)
}

// createNamespace waits for the ServiceAccount that pods need.
func (b *bench) createNamespace(ctx context.Context, n int) error {
	name := b.namespaceOf(n)
	if err := b.writer.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": name}}}); err != nil {
		return err
	}
	return lab.Poll(ctx, polled, func(ctx context.Context) error {
		return b.writer.Get(ctx, client.ObjectKey{Namespace: name, Name: "default"}, &corev1.ServiceAccount{})
	})
}

// scale makes what trimtab acts upon.
func (b *bench) scale(ctx context.Context) error {
	return b.each(ctx, "Deployments with a VPA, a ScaledObject or an HPA", b.deployments(), func(ctx context.Context, d int) error {
		switch {
		case b.hasVPA(d):
			for _, c := range b.checkpoints(d, time.Now()) {
				if err := b.writer.Create(ctx, c); err != nil {
					return err
				}
			}
			return b.writer.Create(ctx, b.vpa(d))
		case b.hasScaledObject(d):
			return b.writer.Create(ctx, b.scaledObject(d, b.prometheus.URL))
		case b.hasHPA(d):
			return b.writer.Create(ctx, b.hpa(d))
		}
		return nil
	})
}

// allRun asks page by page, so that it does not hold up the API server. Pods that do not run are few at the end.
func (b *bench) allRun(ctx context.Context) error {
	var waiting corev1.PodList
	if err := b.writer.List(ctx, &waiting, client.MatchingFields{"status.phase": "Pending"}, client.Limit(1)); err != nil {
		return err
	}
	if len(waiting.Items) > 0 {
		more := 0
		if waiting.RemainingItemCount != nil {
			more = int(*waiting.RemainingItemCount)
		}
		return fmt.Errorf("%s is pending, and %d more", waiting.Items[0].Name, more)
	}
	return nil
}

// each does so for all numbers below n, some at a time.
func (b *bench) each(ctx context.Context, what string, n int, do func(ctx context.Context, i int) error) error {
	b.say("%d %s", n, what)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := do(ctx, i); err != nil {
				return fmt.Errorf("%s, number %d: %w", what, i, err)
			}
			return nil
		})
	}
	return g.Wait()
}
