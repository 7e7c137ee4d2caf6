package story

import (
	"context"
	"errors"
	"fmt"
	"time"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

// atLeastReplicas is the condition that a Deployment is wanted with n replicas or more.
func (s *Story) atLeastReplicas(name string, n int32) func(context.Context) error {
	return func(ctx context.Context) error {
		d, err := s.deployment(ctx, name)
		if err != nil {
			return err
		}
		if *d.Spec.Replicas < n {
			return fmt.Errorf("deployment %s is wanted with %d replicas, not yet %d", name, *d.Spec.Replicas, n)
		}
		return nil
	}
}

// allRunning is the condition that at least n pods of the app are there and all of them run.
func (s *Story) allRunning(app string, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		var pods corev1.PodList
		if err := s.Lab.Client.List(ctx, &pods, client.InNamespace("demo"), client.MatchingLabels{"app": app}); err != nil {
			return err
		}
		if len(pods.Items) < n {
			return fmt.Errorf("%d pods of %s, not yet %d", len(pods.Items), app, n)
		}
		for _, p := range pods.Items {
			if p.Status.Phase != corev1.PodRunning {
				return fmt.Errorf("pod %s is %s", p.Name, p.Status.Phase)
			}
		}
		return nil
	}
}

// longestPending is how long the web pod that waited longest for its node did wait.
func (s *Story) longestPending(ctx context.Context) (longest time.Duration, err error) {
	var pods corev1.PodList
	if err := s.Lab.Client.List(ctx, &pods, client.InNamespace("demo"), client.MatchingLabels{"app": "web"}); err != nil {
		return 0, err
	}
	for _, p := range pods.Items {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady {
				longest = max(longest, c.LastTransitionTime.Sub(p.CreationTimestamp.Time))
			}
		}
	}
	return longest, nil
}

// grownNodes are the names of the nodes that a group made.
func (s *Story) grownNodes(ctx context.Context) (names []string, err error) {
	var nodes corev1.NodeList
	if err := s.Lab.Client.List(ctx, &nodes); err != nil {
		return nil, err
	}
	for _, n := range nodes.Items {
		if n.Name != "base" {
			names = append(names, n.Name)
		}
	}
	return names, nil
}

func (s *Story) scaledObjectReady(ctx context.Context) error {
	so := &kedav1alpha1.ScaledObject{}
	if err := s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "worker"}, so); err != nil {
		return err
	}
	for _, c := range so.Status.Conditions {
		if c.Type == kedav1alpha1.ConditionReady {
			if c.Status != "True" {
				return fmt.Errorf("it is not ready: %s: %s", c.Reason, c.Message)
			}
			return nil
		}
	}
	return errors.New("no condition Ready yet")
}

// push puts jobs into the list.
func (s *Story) push(ctx context.Context, n int) error {
	for i := range n {
		if err := s.Queue.RPush(ctx, "jobs", i).Err(); err != nil {
			return fmt.Errorf("fill the queue: %w", err)
		}
	}
	return nil
}

// drainQueue takes a job each second for each worker that runs, until none is left.
func (s *Story) drainQueue(ctx context.Context) error {
	return lab.Poll(ctx, time.Second, func(ctx context.Context) error {
		d, err := s.deployment(ctx, "worker")
		if err != nil {
			return err
		}
		if workers := int(d.Status.ReadyReplicas); workers > 0 {
			if err := s.Queue.LPopCount(ctx, "jobs", workers).Err(); err != nil {
				return fmt.Errorf("take jobs: %w", err)
			}
		}
		left, err := s.Queue.LLen(ctx, "jobs").Result()
		if err != nil {
			return err
		}
		return lab.Want(left, 0)
	})
}
