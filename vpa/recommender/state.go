package recommender

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/recommend"
	"github.com/trimtab/trimtab/vpa/usage"
)

// state is the memory of one VPA between rounds. Checkpoints restore all that matters in it.
type state struct {
	containers map[string]*container
	// target is the target of the usage. With another target the memory starts again.
	target string
	// statusWritten is when the status was last written, or first seen.
	statusWritten time.Time
}

// container is the memory of all containers with one name.
type container struct {
	usage *recommend.Usage
	// instances are the running containers, by UID of their pod.
	instances  map[string]*recommend.Instance
	checkpoint checkpointState
}

func newState(now time.Time) *state {
	return &state{containers: map[string]*container{}, statusWritten: now}
}

// container returns the container of that name, or makes it without usage.
func (s *state) container(agg *recommend.Aggregation, name string) *container {
	c := s.containers[name]
	if c == nil {
		c = &container{usage: agg.NewUsage(), instances: map[string]*recommend.Instance{}}
		s.containers[name] = c
	}
	return c
}

// forget removes the instances of deleted pods. It removes containers that no pod has any more and that had no sample
// for all aggregation intervals.
func (s *state) forget(agg *recommend.Aggregation, pods []*corev1.Pod, now time.Time) {
	live := map[string]bool{}
	for _, p := range pods {
		live[string(p.UID)] = true
	}
	for name, c := range s.containers {
		for uid := range c.instances {
			if !live[uid] {
				delete(c.instances, uid)
				c.checkpoint.changes++ // its peak is final now
			}
		}
		if len(c.instances) == 0 && agg.Expired(c.usage, now) {
			delete(s.containers, name)
		}
	}
}

// readings are the usage of all containers of the cluster at the time of a round.
type readings struct {
	cpu, memory map[usage.Container]usage.Reading
}

// takeIn adds the usage of the pods first and then OOM kills, so that a kill is compared with the peak before it.
func (r *Recommender) takeIn(s *state, o *observed, in readings, now time.Time) []verdict.Verdict {
	var verdicts []verdict.Verdict
	for _, p := range o.pods {
		for i := range p.Spec.Containers {
			spec := &p.Spec.Containers[i]
			c := s.container(r.aggregation, spec.Name)
			instance := c.instances[string(p.UID)]
			if instance == nil {
				instance = &recommend.Instance{}
				c.instances[string(p.UID)] = instance
			}
			r.takeSamples(c, instance, usage.Container{Namespace: p.Namespace, Pod: p.Name, Name: spec.Name}, in)
			if v, killed := r.takeKill(c, instance, p, spec, now); killed {
				verdicts = append(verdicts, v)
			}
		}
	}
	return verdicts
}

func (r *Recommender) takeSamples(c *container, instance *recommend.Instance, key usage.Container, in readings) {
	if s, ok := in.cpu[key]; ok {
		milli, valid := recommend.MilliCores(s.Value)
		counted := valid && instance.AddCPU(c.usage, milli, s.At)
		r.metrics.sample("cpu", counted)
		c.checkpoint.changes += one(counted)
	}
	if s, ok := in.memory[key]; ok {
		bytes, valid := recommend.WholeBytes(s.Value)
		counted := valid && instance.AddMemory(r.aggregation, c.usage, bytes, s.At)
		r.metrics.sample("memory", counted)
		c.checkpoint.changes += one(counted)
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// takeKill counts the last OOM kill of a container once. Kills before the start of the process count too, unless they
// are older than a memory window.
func (r *Recommender) takeKill(c *container, instance *recommend.Instance, p *corev1.Pod, spec *corev1.Container, now time.Time) (verdict.Verdict, bool) {
	for i := range p.Status.ContainerStatuses {
		status := &p.Status.ContainerStatuses[i]
		if status.Name != spec.Name {
			continue
		}
		at, killed := killedAt(status)
		if !killed || !at.After(instance.LastOOM) || now.Sub(at) > r.aggregation.Interval {
			return verdict.Verdict{}, false
		}
		request := spec.Resources.Requests.Memory().Value()
		if status.Resources != nil && status.Resources.Requests != nil {
			request = status.Resources.Requests.Memory().Value()
		}
		needed, counted := instance.AddOOM(r.aggregation, c.usage, request, at)
		if !counted {
			return verdict.Verdict{}, false
		}
		c.checkpoint.changes++
		r.metrics.kills.Inc()
		return verdict.Because(verdict.On("pod", p.Namespace+"/"+p.Name).Part("container", spec.Name), recommend.OutOfMemoryKill,
			verdict.Bytes("request", request), verdict.Bytes("needed", needed), verdict.Duration("ago", now.Sub(at))), true
	}
	return verdict.Verdict{}, false
}

// killedAt is when the container was last OOM-killed, as far as its status shows.
func killedAt(s *corev1.ContainerStatus) (time.Time, bool) {
	for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
		if t != nil && t.Reason == "OOMKilled" {
			return t.FinishedAt.Time, true
		}
	}
	return time.Time{}, false
}

// known are the containers to recommend for.
func (s *state) known(o *observed) map[string]recommend.Container {
	live := map[string]bool{}
	for _, p := range o.pods {
		for i := range p.Spec.Containers {
			live[p.Spec.Containers[i].Name] = true
		}
	}
	all := map[string]recommend.Container{}
	for name, c := range s.containers {
		all[name] = recommend.Container{Usage: c.usage, Gone: len(o.pods) > 0 && !live[name]}
	}
	for name := range live {
		if _, ok := all[name]; !ok {
			all[name] = recommend.Container{}
		}
	}
	if previous := o.object.Status.Recommendation; len(o.pods) == 0 && previous != nil {
		for i := range previous.ContainerRecommendations {
			if name := previous.ContainerRecommendations[i].ContainerName; all[name].Usage == nil {
				all[name] = recommend.Container{}
			}
		}
	}
	return all
}
