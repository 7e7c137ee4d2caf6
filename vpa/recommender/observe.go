package recommender

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
	"github.com/trimtab/trimtab/vpa/target"
)

// observed is one VPA of this recommender and its pods. It is immutable.
type observed struct {
	key     types.NamespacedName
	subject verdict.Subject // "vpa default/web"
	object  *vpav1.VerticalPodAutoscaler
	// unsupported is why the pods are unknown; empty when they are known.
	unsupported string
	// pods are the pods that were scheduled at some time: all but the pending ones.
	pods []*corev1.Pod
}

// snapshot is the state of the cluster at the start of a round.
type snapshot struct {
	ours []*observed
	// exists has every VPA of the cluster, also of other recommenders.
	exists map[types.NamespacedName]bool
	// skipped are VPAs of this recommender that could not be read this time.
	skipped []verdict.Verdict
	// kindMissing says that the API server does not serve VPAs.
	kindMissing bool
}

func (r *Recommender) observe(ctx context.Context) (snapshot, error) {
	s := snapshot{exists: map[types.NamespacedName]bool{}}
	var vpas vpav1.VerticalPodAutoscalerList
	if err := r.kube.Client.List(ctx, &vpas); err != nil {
		if s.kindMissing = meta.IsNoMatchError(err); s.kindMissing {
			return s, nil
		}
		return s, fmt.Errorf("list VerticalPodAutoscalers: %w", err)
	}
	var ours []*vpav1.VerticalPodAutoscaler
	for i := range vpas.Items {
		v := &vpas.Items[i]
		s.exists[client.ObjectKeyFromObject(v)] = true
		if r.isOurs(v) {
			ours = append(ours, v)
		}
	}
	if len(ours) == 0 {
		return s, nil
	}
	slices.SortFunc(ours, func(a, b *vpav1.VerticalPodAutoscaler) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	pods, err := r.kube.Pods(ctx)
	if err != nil {
		return s, fmt.Errorf("list pods: %w", err)
	}
	index := indexPods(pods, ours)
	for _, v := range ours {
		o := &observed{key: client.ObjectKeyFromObject(v), subject: verdict.On("vpa", v.Namespace+"/"+v.Name), object: v}
		selector, err := target.Selector(ctx, r.kube.Client, v.Namespace, v.Spec.TargetRef)
		var mend target.Unsupported
		switch {
		case errors.As(err, &mend):
			o.unsupported = string(mend)
		case err != nil:
			s.skipped = append(s.skipped, verdict.Because(o.subject, recommend.ObjectsUnavailable, verdict.Text("error", err.Error())))
			continue
		default:
			o.pods = index.matching(v.Namespace, selector)
		}
		s.ours = append(s.ours, o)
	}
	return s, nil
}

// isOurs is true if the object belongs to this recommender.
func (r *Recommender) isOurs(v *vpav1.VerticalPodAutoscaler) bool {
	if ns := r.cfg.VPAObjectNamespace; ns != "" && v.Namespace != ns || slices.Contains(r.cfg.IgnoredVPAObjectNamespaces, v.Namespace) {
		return false
	}
	if len(v.Spec.Recommenders) == 0 {
		return r.cfg.RecommenderName == "default"
	}
	return slices.ContainsFunc(v.Spec.Recommenders, func(s *vpav1.VerticalPodAutoscalerRecommenderSelector) bool {
		return s != nil && s.Name == r.cfg.RecommenderName
	})
}

// podIndex finds pods by one of their labels, so that a VPA need not check all pods of its namespace.
type podIndex map[podLabel][]*corev1.Pod

// podLabel with an empty name means all pods of the namespace.
type podLabel struct{ namespace, name, value string }

// indexPods indexes the pods of namespaces that have a VPA, without pending pods.
func indexPods(pods []*corev1.Pod, vpas []*vpav1.VerticalPodAutoscaler) podIndex {
	wanted := map[string]bool{}
	for _, v := range vpas {
		wanted[v.Namespace] = true
	}
	index := podIndex{}
	for _, p := range pods {
		if !wanted[p.Namespace] || p.Status.Phase == corev1.PodPending {
			continue
		}
		all := podLabel{namespace: p.Namespace}
		index[all] = append(index[all], p)
		for name, value := range p.Labels {
			l := podLabel{p.Namespace, name, value}
			index[l] = append(index[l], p)
		}
	}
	return index
}

func (index podIndex) matching(namespace string, s labels.Selector) []*corev1.Pod {
	candidates := index[podLabel{namespace: namespace}]
	requirements, _ := s.Requirements()
	for _, q := range requirements {
		op := q.Operator()
		if values := q.Values(); len(values) == 1 && (op == selection.Equals || op == selection.DoubleEquals || op == selection.In) {
			if list := index[podLabel{namespace, q.Key(), values.UnsortedList()[0]}]; len(list) < len(candidates) {
				candidates = list
			}
		}
	}
	var matched []*corev1.Pod
	for _, p := range candidates {
		if s.Matches(labels.Set(p.Labels)) {
			matched = append(matched, p)
		}
	}
	return matched
}
