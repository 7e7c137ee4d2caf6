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

// fill makes all objects except the ones that trimtab changes. ReplicaSets and Deployments have no controller here, which
// would make pods of its own. The first pod of each Deployment goes the usual way until it runs; the others, which differ
// from it only in name and node, are stored beside it, as that way takes a quarter of an hour for all of them.
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
	first := make([]*corev1.Pod, b.deployments())
	err = b.each(ctx, "Deployments", len(first), func(ctx context.Context, d int) (err error) {
		first[d], err = b.deploy(ctx, d)
		return err
	})
	if err != nil {
		return err
	}
	s := newStore(b.lab.Etcd, b.writer.Scheme())
	return b.each(ctx, "Deployments get the rest of their pods", len(first), func(ctx context.Context, d int) error {
		err := lab.Poll(ctx, polled, func(ctx context.Context) error {
			if err := b.writer.Get(ctx, client.ObjectKeyFromObject(first[d]), first[d]); err != nil {
				return err
			}
			return lab.Want(first[d].Status.Phase, corev1.PodRunning)
		})
		if err != nil {
			return err
		}
		var rest []*corev1.Pod
		for n := d*replicas + 1; n < min((d+1)*replicas, b.pods); n++ {
			rest = append(rest, b.another(first[d], n))
		}
		return s.put(ctx, rest)
	})
}

// deploy makes a Deployment, its ReplicaSet, and the first pod.
func (b *bench) deploy(ctx context.Context, d int) (*corev1.Pod, error) {
	deployment := b.deployment(d)
	if err := b.writer.Create(ctx, deployment); err != nil {
		return nil, err
	}
	deployment.Status = appsv1.DeploymentStatus{Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas, UpdatedReplicas: replicas}
	if err := b.writer.Status().Update(ctx, deployment); err != nil {
		return nil, err
	}
	set := b.replicaSet(d, deployment.UID)
	if err := b.writer.Create(ctx, set); err != nil {
		return nil, err
	}
	set.Status = appsv1.ReplicaSetStatus{Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas}
	if err := b.writer.Status().Update(ctx, set); err != nil {
		return nil, err
	}
	pod := b.pod(d*replicas, set)
	return pod, b.writer.Create(ctx, pod)
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

// each does so for all numbers below n, some at a time.
func (b *bench) each(ctx context.Context, what string, n int, do func(ctx context.Context, i int) error) error {
	b.Say("%d %s", n, what)
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
