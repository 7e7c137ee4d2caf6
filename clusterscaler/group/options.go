package group

import (
	"cmp"

	"github.com/trimtab/trimtab/internal/config"
)

// Options are settings of one group, wherever they come from: the configuration, tags, annotations or the cloud. They stand in
// the place of the settings of the section with the same keys. What is nil is as there.
type Options struct {
	UtilizationThreshold    *float64         `yaml:"scaleDownUtilizationThreshold"`
	GPUUtilizationThreshold *float64         `yaml:"scaleDownGpuUtilizationThreshold"`
	UnneededTime            *config.Duration `yaml:"scaleDownUnneededTime"`
	UnreadyTime             *config.Duration `yaml:"scaleDownUnreadyTime"`
	MaxNodeProvisionTime    *config.Duration `yaml:"maxNodeProvisionTime"`
	MaxNodeStartupTime      *config.Duration `yaml:"maxNodeStartupTime"`
	// AllOrNothing says that the group has max nodes or none, as where a job needs all of them: it grows and shrinks at once.
	// Default false. The section has no such setting.
	AllOrNothing     bool  `yaml:"zeroOrMaxNodeScaling"`
	IgnoreDaemonSets *bool `yaml:"ignoreDaemonsetsUtilization"`
}

// Validate checks what the types cannot.
func (o *Options) Validate() config.Problems {
	var ps config.Problems
	for _, t := range []struct {
		path  string
		value *float64
	}{{"scaleDownUtilizationThreshold", o.UtilizationThreshold}, {"scaleDownGpuUtilizationThreshold", o.GPUUtilizationThreshold}} {
		if t.value != nil && !share(*t.value) {
			ps.Add(t.path, "%v is not between 0 and 1", *t.value)
		}
	}
	return ps
}

// share is whether a utilization can be so high.
func share(n float64) bool { return n >= 0 && n <= 1 }

// or has what is not set from other.
func (o Options) or(other Options) Options {
	return Options{
		UtilizationThreshold:    cmp.Or(o.UtilizationThreshold, other.UtilizationThreshold),
		GPUUtilizationThreshold: cmp.Or(o.GPUUtilizationThreshold, other.GPUUtilizationThreshold),
		UnneededTime:            cmp.Or(o.UnneededTime, other.UnneededTime),
		UnreadyTime:             cmp.Or(o.UnreadyTime, other.UnreadyTime),
		MaxNodeProvisionTime:    cmp.Or(o.MaxNodeProvisionTime, other.MaxNodeProvisionTime),
		MaxNodeStartupTime:      cmp.Or(o.MaxNodeStartupTime, other.MaxNodeStartupTime),
		AllOrNothing:            o.AllOrNothing || other.AllOrNothing,
		IgnoreDaemonSets:        cmp.Or(o.IgnoreDaemonSets, other.IgnoreDaemonSets),
	}
}
