package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

// scaleUpLines is what the lines have said that scaleUpLine reads.
type scaleUpLines struct {
	runs   []builtPod
	runsIn []string // the group of each
}

// scaleUpLine reads lines that are about growth alone.
func (b *builder) scaleUpLine(word, name string, f fields) bool {
	switch word {
	case "runs": // "runs GROUP kube-system/agent cpu=": what belongs to the group's example
		pod := ""
		for key := range f {
			if f[key] == "" && key != "mirror" {
				pod = key
			}
		}
		b.runs, b.runsIn = append(b.runs, b.pod(pod, f)), append(b.runsIn, name)
	case "headroom": // "headroom NAME count= cpu= selector= priority="
		p := b.pod("headroom/"+name, f)
		p.spec.Namespace = ""
		b.policy.Headroom = append(slices.DeleteFunc(b.policy.Headroom, func(h Headroom) bool { return h.Name == name }),
			Headroom{Name: name, Count: int(b.number(f, "count", 1)), Spec: p.spec, Priority: p.Priority})
	case "instances": // "instances GROUP i-1 i-2=16m": without a node so far, and for how long
		for i := range b.groups {
			if g := &b.groups[i]; g.Name == name {
				g.Unregistered = slices.Sorted(maps.Keys(f))
			}
		}
		for instance, age := range f {
			if age != "" {
				if b.memory.UnregisteredSince[name] == nil {
					b.memory.UnregisteredSince[name] = map[string]time.Time{}
				}
				b.memory.UnregisteredSince[name][instance] = b.now.Add(-b.duration(f, instance, 0))
			}
		}
	default:
		return false
	}
	return true
}

// finish adds to the snapshot what has its classes.
func (b *builder) finish(s *Snapshot) {
	for i, p := range b.runs {
		for j := range s.Groups {
			if g := &s.Groups[j]; g.Name == b.runsIn[i] {
				r := Running{DaemonSet: p.Name, Class: s.Classes.Intern(p.spec)}
				if p.Mirror {
					r.DaemonSet = ""
				}
				g.Live, g.Runs = true, append(g.Runs, r)
			}
		}
	}
}

// scaleUpPolicy reads settings that are about growth alone.
func (b *builder) scaleUpPolicy(key string, f fields) bool {
	switch key {
	case "forceDs":
		b.policy.ForceDaemonSets = f[key] == "true"
	case "gpuTotal":
		for _, text := range split(f[key]) {
			kind, bound, _ := strings.Cut(text, ":")
			b.policy.GPUs = append(b.policy.GPUs, Limit{kind, bounds(b.t, bound, 1)})
		}
	case "forceDeleteUnregisteredNodes":
		b.policy.ForceDeleteUnregistered = f[key] == "true"
	case "gpuLabel":
		b.policy.GPULabel = f[key]
	case "scaleDownGpuUtilizationThreshold":
		b.policy.GPUUtilizationThreshold = float64(b.number(f, key, 0)) / 100
	default:
		return false
	}
	return true
}

// options are the group's own settings.
func (b *builder) options(o *group.Options, f fields) {
	for key, into := range map[string]**config.Duration{"unneeded": &o.UnneededTime, "unready": &o.UnreadyTime, "provision": &o.MaxNodeProvisionTime, "startup": &o.MaxNodeStartupTime} {
		if f.has(key) {
			*into = new(config.Duration(b.duration(f, key, 0)))
		}
	}
	o.AllOrNothing = f.has("zeroOrMax")
	if f.has("gpuThreshold") {
		o.GPUUtilizationThreshold = new(float64(b.number(f, "gpuThreshold", 0)) / 100)
	}
	if f.has("threshold") {
		o.UtilizationThreshold = new(float64(b.number(f, "threshold", 0)) / 100)
	}
	if f.has("ignoreDaemonsets") {
		o.IgnoreDaemonSets = new(f["ignoreDaemonsets"] == "true")
	}
}
