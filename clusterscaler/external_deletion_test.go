package clusterscaler

import (
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// An instance that never registers is deleted only while the group stays at its minimum, unless the configuration forces it.
func TestCloudKeepsTheMinimumWithoutANode(t *testing.T) {
	for _, c := range []struct {
		name  string
		force bool
		min   int32
		want  string
	}{
		{"at the minimum", false, 2, "a=2 b=0"},
		{"forced", true, 2, "a=1 b=0"},
		{"above the minimum", false, 1, "a=1 b=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.part.policy.ForceDeleteUnregistered = c.force
			cloud.change(func(s *externalgrpctest.Fake) {
				s.Groups[0] = &protocol.NodeGroup{Id: "a", MinSize: c.min, MaxSize: 10}
				s.Sizes["a"] = 2
			})
			cloud.joins("a", "n1")
			cloud.change(func(s *externalgrpctest.Fake) {
				s.Instances["a"] = append(s.Instances["a"], instance("late", protocol.InstanceStatus_instanceRunning, ""))
			})
			cloud.pod("web", "n1") // it keeps n1
			cloud.loop(0)
			for range 20 {
				cloud.loop(time.Minute)
			}
			cloud.want(c.want, "after maxNodeProvisionTime")
			cloud.said("group a", "BackedOff", "its instance cloud://late has not registered for 15m0s")
		})
	}
}
