package story

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/test/lab"
)

// Step is one chapter: it causes something and waits until the cluster has followed.
type Step struct {
	Title string
	// Timeout bounds the step, with room for a slow machine.
	Timeout time.Duration
	run     func(*Story, context.Context) error
}

// Steps are the chapters in their order. Without a queue its chapter is left out.
func (s *Story) Steps() []Step {
	steps := []Step{
		{"the load rises: the HPA scales the web Deployment out", 90 * time.Second, (*Story).loadRises},
		{"some pods do not fit: a node group grows", 90 * time.Second, (*Story).nodesFollow},
	}
	if s.Queue != nil {
		steps = append(steps, Step{"a queue fills and empties: its workers go from zero to several, and back", 2 * time.Minute, (*Story).queueFillsAndEmpties})
	}
	return append(steps,
		Step{"a VerticalPodAutoscaler recommends from real usage", 60 * time.Second, (*Story).podsAreMeasured},
		Step{"the load falls: the HPA scales in, nodes are drained and removed", 3 * time.Minute, (*Story).loadFalls},
	)
}

// Run tells and runs one step.
func (s *Story) Run(ctx context.Context, step Step) error {
	ctx, cancel := context.WithTimeout(ctx, step.Timeout)
	defer cancel()
	s.tell.title("%s", step.Title)
	return step.run(s, ctx)
}

// until waits for a condition and gives how long it took since began.
func (s *Story) until(ctx context.Context, what string, began time.Time, condition func(context.Context) error) (time.Duration, error) {
	if err := lab.Poll(ctx, 200*time.Millisecond, condition); err != nil {
		return 0, fmt.Errorf("waited in vain until %s: %w", what, err)
	}
	return time.Since(began), nil
}

// PeakLoad and CalmLoad are requests per second: ten web pods' worth, and half of one's.
const PeakLoad, CalmLoad = 200, 10

func (s *Story) loadRises(ctx context.Context) error {
	// The metric must be there first, or the rise would be that of a series that just began.
	if _, err := s.until(ctx, "the HPA reads its metric", time.Now(), func(ctx context.Context) error {
		hpa, err := s.hpa(ctx, "web")
		if err != nil {
			return err
		}
		return hpaCondition(hpa, autoscalingv2.ScalingActive, corev1.ConditionTrue)
	}); err != nil {
		return err
	}
	s.tell.say("load", "%d -> %d requests per second", CalmLoad, PeakLoad)
	began := time.Now()
	if err := s.Load(ctx, PeakLoad); err != nil {
		return err
	}
	first, err := s.until(ctx, "the HPA wants more than one web pod", began, s.atLeastReplicas("web", 2))
	if err != nil {
		return err
	}
	all, err := s.until(ctx, "the HPA wants 10 web pods", began, s.atLeastReplicas("web", 10))
	if err != nil {
		return err
	}
	s.summary.add("load rises -> first replica more", first, "HPA web, Pods metric http_requests_per_second above 20 a pod")
	s.summary.add("load rises -> 10 replicas", all, "%d requests per second / 20 a pod", PeakLoad)
	return nil
}

func (s *Story) nodesFollow(ctx context.Context) error {
	began := time.Now()
	if _, err := s.until(ctx, "all web pods run", began, s.allRunning("web", 10)); err != nil {
		return err
	}
	why, err := s.event(ctx, "TriggeredScaleUp", "Pod")
	if err != nil {
		return err
	}
	if err := s.exactlyAsFarAsNeeded(ctx); err != nil {
		return err
	}
	wait, err := s.longestPending(ctx)
	if err != nil {
		return err
	}
	nodes, err := s.grownNodes(ctx)
	if err != nil {
		return err
	}
	s.tell.say("nodes", "%d more: %s", len(nodes), strings.Join(nodes, " "))
	s.summary.add("pod does not fit -> it runs on a new node", wait, "the longest wait; %s", why)
	if err := s.apply(ctx, "report.yaml"); err != nil {
		return err
	}
	_, err = s.until(ctx, "the report runs", time.Now(), s.allRunning("report", 1))
	return err
}

// exactlyAsFarAsNeeded fails when a new node could be left out: when its pods would fit on the others.
func (s *Story) exactlyAsFarAsNeeded(ctx context.Context) error {
	var nodes corev1.NodeList
	if err := s.Lab.Client.List(ctx, &nodes); err != nil {
		return err
	}
	var pods corev1.PodList
	if err := s.Lab.Client.List(ctx, &pods, client.InNamespace("demo")); err != nil {
		return err
	}
	free, used, held := int64(0), map[string]int64{}, map[string]int{}
	for _, p := range pods.Items {
		used[p.Spec.NodeName] += p.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
		held[p.Spec.NodeName]++
	}
	const webMilli = 500
	for _, n := range nodes.Items {
		free += (n.Status.Allocatable.Cpu().MilliValue() - used[n.Name]) / webMilli
	}
	for _, n := range nodes.Items {
		own := (n.Status.Allocatable.Cpu().MilliValue() - used[n.Name]) / webMilli
		if n.Name != "base" && int64(held[n.Name]) <= free-own {
			return fmt.Errorf("node %s is one too many: its %d pods would fit on the others, which have room for %d", n.Name, held[n.Name], free-own)
		}
	}
	return nil
}

func (s *Story) queueFillsAndEmpties(ctx context.Context) error {
	if err := s.apply(ctx, "worker.yaml"); err != nil {
		return err
	}
	if _, err := s.until(ctx, "the ScaledObject is ready", time.Now(), s.scaledObjectReady); err != nil {
		return err
	}
	s.tell.say("queue", "0 -> 30 jobs in the Redis list")
	began := time.Now()
	if err := s.push(ctx, 30); err != nil {
		return err
	}
	first, err := s.until(ctx, "a worker runs", began, s.allRunning("worker", 1))
	if err != nil {
		return err
	}
	six, err := s.until(ctx, "6 workers are wanted", began, s.atLeastReplicas("worker", 6))
	if err != nil {
		return err
	}
	s.summary.add("jobs arrive -> first worker runs", first, "ScaledObject worker, 30 jobs")
	s.summary.add("jobs arrive -> 6 workers wanted", six, "30 jobs / 5 a worker")
	if err := s.drainQueue(ctx); err != nil {
		return err
	}
	s.tell.say("queue", "empty")
	began = time.Now()
	zero, err := s.until(ctx, "no worker is left", began, func(ctx context.Context) error {
		d, err := s.deployment(ctx, "worker")
		if err != nil {
			return err
		}
		return errors.Join(lab.Want(*d.Spec.Replicas, 0), lab.Want(d.Status.Replicas, 0))
	})
	if err != nil {
		return err
	}
	s.summary.add("queue empty -> no workers", zero, "after the cooldown of 5s")
	return nil
}

func (s *Story) podsAreMeasured(ctx context.Context) error {
	v := &vpav1.VerticalPodAutoscaler{}
	wait, err := s.until(ctx, "the VPA has a recommendation", s.began, func(ctx context.Context) error {
		if err := s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: "web"}, v); err != nil {
			return err
		}
		if r := v.Status.Recommendation; r == nil || len(r.ContainerRecommendations) == 0 {
			return errors.New("its status has none")
		}
		return nil
	})
	if err != nil {
		return err
	}
	r := v.Status.Recommendation.ContainerRecommendations[0]
	if r.LowerBound.Cpu().Cmp(*r.Target.Cpu()) > 0 || r.Target.Cpu().Cmp(*r.UpperBound.Cpu()) > 0 || r.Target.Cpu().IsZero() || r.Target.Memory().IsZero() {
		return fmt.Errorf("the recommendation is out of order: lower %v, target %v, upper %v", r.LowerBound, r.Target, r.UpperBound)
	}
	s.tell.say("VPA", "web: container %s wants cpu %s (asks for 500m), memory %s (asks for 256Mi)", r.ContainerName, r.Target.Cpu(), r.Target.Memory())
	s.summary.add("start -> recommendation", wait, "VPA web: cpu %s, memory %s", r.Target.Cpu(), r.Target.Memory())
	return nil
}

func (s *Story) loadFalls(ctx context.Context) error {
	s.tell.say("load", "%d -> %d requests per second", PeakLoad, CalmLoad)
	began := time.Now()
	if err := s.Load(ctx, CalmLoad); err != nil {
		return err
	}
	in, err := s.until(ctx, "the HPA wants one web pod", began, func(ctx context.Context) error {
		d, err := s.deployment(ctx, "web")
		if err != nil {
			return err
		}
		return lab.Want(*d.Spec.Replicas, 1)
	})
	if err != nil {
		return err
	}
	s.summary.add("load falls -> 1 replica", in, "HPA web, after 10s of stabilization")
	gone, err := s.until(ctx, "the nodes are gone", began, func(ctx context.Context) error {
		nodes, err := s.grownNodes(ctx)
		if err != nil {
			return err
		}
		return lab.Want(len(nodes), 0)
	})
	if err != nil {
		return err
	}
	why, err := s.event(ctx, "ScaleDown", "Node")
	if err != nil {
		return err
	}
	s.summary.add("load falls -> nodes removed", gone, "%s", why)
	_, err = s.until(ctx, "all pods run on the base node", began, func(ctx context.Context) error {
		return errors.Join(s.allRunning("web", 1)(ctx), s.allRunning("report", 1)(ctx))
	})
	return err
}

func (s *Story) deployment(ctx context.Context, name string) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{}
	return d, s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: name}, d)
}

func (s *Story) hpa(ctx context.Context, name string) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	return h, s.Lab.Client.Get(ctx, client.ObjectKey{Namespace: "demo", Name: name}, h)
}

func hpaCondition(h *autoscalingv2.HorizontalPodAutoscaler, kind autoscalingv2.HorizontalPodAutoscalerConditionType, want corev1.ConditionStatus) error {
	for _, c := range h.Status.Conditions {
		if c.Type == kind && c.Status != want {
			return fmt.Errorf("%s is %s: %s: %s", kind, c.Status, c.Reason, c.Message)
		}
		if c.Type == kind {
			return nil
		}
	}
	return fmt.Errorf("no condition %s yet", kind)
}

// event gives the note of the newest Event of that reason on an object of that kind.
func (s *Story) event(ctx context.Context, reason, kind string) (string, error) {
	var note string
	_, err := s.until(ctx, "there is an Event "+reason, time.Now(), func(ctx context.Context) error {
		var all eventsv1.EventList
		if err := s.Lab.Client.List(ctx, &all); err != nil {
			return err
		}
		for _, e := range all.Items {
			if e.Reason == reason && e.Regarding.Kind == kind {
				note = e.Note
			}
		}
		if note == "" {
			return fmt.Errorf("no Event %s on a %s", reason, kind)
		}
		return nil
	})
	return note, err
}
