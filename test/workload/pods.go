package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// stateOf reads a pod as kubelet and endpoints do: it takes requests while it is Ready and nobody
// deletes it, and its container runs until the pod object is gone or has ended.
func stateOf(pod *corev1.Pod) podState {
	s := podState{
		key:     key{pod.Namespace, pod.Name},
		uid:     string(pod.UID),
		running: pod.Status.Phase == corev1.PodRunning,
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			s.ready = s.running && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return s
}

// watchPods keeps w in step with the pods of the selector until ctx ends. The function that it returns
// says whether the first list was taken over.
func watchPods(ctx context.Context, client kubernetes.Interface, s settings, w *web) (func() bool, error) {
	if _, err := metav1.ParseToLabelSelector(s.selector); err != nil {
		return nil, fmt.Errorf("--selector %q: %w", s.selector, err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = s.selector }))
	registration, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { observe(w, obj) },
		UpdateFunc: func(_, obj any) { observe(w, obj) },
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingObjectToName(obj); err == nil {
				w.forget(key{name.Namespace, name.Name})
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	factory.Start(ctx.Done())
	return registration.HasSynced, nil
}

func observe(w *web, obj any) {
	if pod, ok := obj.(*corev1.Pod); ok {
		w.observe(stateOf(pod))
	}
}
