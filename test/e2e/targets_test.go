package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
	"github.com/trimtab/trimtab/test/story"
)

// rollouts is a custom resource with a scale. It is installed after trimtab has scaled something else.
const rollouts = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: rollouts, singular: rollout, kind: Rollout, listKind: RolloutList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {replicas: {type: integer}}}
          status: {type: object, properties: {replicas: {type: integer}, selector: {type: string}}}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
`

// targets are at zero replicas, and scaled to two: a trigger of type cpu is always active.
const targets = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: bare, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: bare}}
  template:
    metadata: {labels: {app: bare}}
    spec: {containers: [{name: c, image: c, resources: {requests: {cpu: 10m}}}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: bare, namespace: NAMESPACE}
spec:
  scaleTargetRef: {kind: ReplicaSet, name: bare}
  minReplicaCount: 2
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: "50"}}]
---
apiVersion: example.com/v1
kind: Rollout
metadata: {name: custom, namespace: NAMESPACE}
spec: {replicas: 0}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: custom, namespace: NAMESPACE}
spec:
  scaleTargetRef: {apiVersion: example.com/v1, kind: Rollout, name: custom}
  minReplicaCount: 2
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: "50"}}]
`

// applyTargets makes a ReplicaSet and a custom resource that are scaled, and takes them away at the end.
func applyTargets(ctx context.Context, t *testing.T, l *lab.Lab, namespace string) {
	t.Helper()
	objects := strings.ReplaceAll(targets, "NAMESPACE", namespace)
	if err := l.Apply(ctx, rollouts); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/rollouts.example.com"); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(ctx, objects); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // so that what follows finds the cluster as it was
		if _, err := l.Kubectl(context.WithoutCancel(ctx), objects, "delete", "-f", "-"); err != nil {
			t.Error(err)
		}
	})
}

// targetsScale waits until both were scaled.
func targetsScale(ctx context.Context, t *testing.T, l *lab.Lab, namespace string) {
	t.Helper()
	l.Wait(ctx, t, "the ReplicaSet is scaled to 2", func(ctx context.Context) error {
		var rs appsv1.ReplicaSet
		err := l.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "bare"}, &rs)
		if err == nil && rs.Spec.Replicas == nil {
			err = errors.New("it has no replicas")
		}
		if err != nil {
			return err
		}
		return lab.Want(*rs.Spec.Replicas, 2)
	})
	l.Wait(ctx, t, "the custom resource is scaled to 2", func(ctx context.Context) error {
		rollout := &unstructured.Unstructured{}
		rollout.SetAPIVersion("example.com/v1")
		rollout.SetKind("Rollout")
		if err := l.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "custom"}, rollout); err != nil {
			return err
		}
		n, _, err := unstructured.NestedInt64(rollout.Object, "spec", "replicas")
		return errors.Join(err, lab.Want(n, 2))
	})
}

// anythingIsScaled: a ReplicaSet, and a custom resource whose kind came after trimtab had scaled others.
func anythingIsScaled(t *testing.T, s *story.Story) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	applyTargets(ctx, t, s.Lab, "demo")
	targetsScale(ctx, t, s.Lab, "demo")
}
