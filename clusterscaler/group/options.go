package group

import (
	"cmp"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// Options stand in the place of the settings of the section with the same names. What is not set is as there.
type Options struct {
	ScaleDownUtilizationThreshold    *float64         `yaml:"scaleDownUtilizationThreshold"`
	ScaleDownGpuUtilizationThreshold *float64         `yaml:"scaleDownGpuUtilizationThreshold"`
	ScaleDownUnneededTime            *config.Duration `yaml:"scaleDownUnneededTime"`
	ScaleDownUnreadyTime             *config.Duration `yaml:"scaleDownUnreadyTime"`
	MaxNodeProvisionTime             *config.Duration `yaml:"maxNodeProvisionTime"`
	MaxNodeStartupTime               *config.Duration `yaml:"maxNodeStartupTime"`
	// ZeroOrMaxNodeScaling says that the group has max nodes or none, as where a job needs all of them. Default false.
	ZeroOrMaxNodeScaling        bool  `yaml:"zeroOrMaxNodeScaling"`
	IgnoreDaemonsetsUtilization *bool `yaml:"ignoreDaemonsetsUtilization"`
}

// Validate checks what the types cannot.
func (o *Options) Validate() config.Problems {
	var ps config.Problems
	for _, t := range []struct {
		path  string
		value *float64
	}{{"scaleDownUtilizationThreshold", o.ScaleDownUtilizationThreshold}, {"scaleDownGpuUtilizationThreshold", o.ScaleDownGpuUtilizationThreshold}} {
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
		ScaleDownUtilizationThreshold:    cmp.Or(o.ScaleDownUtilizationThreshold, other.ScaleDownUtilizationThreshold),
		ScaleDownGpuUtilizationThreshold: cmp.Or(o.ScaleDownGpuUtilizationThreshold, other.ScaleDownGpuUtilizationThreshold),
		ScaleDownUnneededTime:            cmp.Or(o.ScaleDownUnneededTime, other.ScaleDownUnneededTime),
		ScaleDownUnreadyTime:             cmp.Or(o.ScaleDownUnreadyTime, other.ScaleDownUnreadyTime),
		MaxNodeProvisionTime:             cmp.Or(o.MaxNodeProvisionTime, other.MaxNodeProvisionTime),
		MaxNodeStartupTime:               cmp.Or(o.MaxNodeStartupTime, other.MaxNodeStartupTime),
		ZeroOrMaxNodeScaling:             o.ZeroOrMaxNodeScaling || other.ZeroOrMaxNodeScaling,
		IgnoreDaemonsetsUtilization:      cmp.Or(o.IgnoreDaemonsetsUtilization, other.IgnoreDaemonsetsUtilization),
	}
}

// Planned are the options in the terms of package plan.
func (o *Options) Planned() plan.Options {
	return plan.Options{
		UtilizationThreshold:    o.ScaleDownUtilizationThreshold,
		GPUUtilizationThreshold: o.ScaleDownGpuUtilizationThreshold,
		UnneededTime:            standard(o.ScaleDownUnneededTime),
		UnreadyTime:             standard(o.ScaleDownUnreadyTime),
		MaxNodeProvisionTime:    standard(o.MaxNodeProvisionTime),
		MaxNodeStartupTime:      standard(o.MaxNodeStartupTime),
		IgnoreDaemonSets:        o.IgnoreDaemonsetsUtilization,
		AllOrNothing:            o.ZeroOrMaxNodeScaling,
	}
}

func standard(d *config.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	return new(d.Std())
}
