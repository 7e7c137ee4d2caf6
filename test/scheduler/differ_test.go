package scheduler_test

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/test/scheduler"
)

// differ says in what the answers differ. What kube-scheduler says of volumes and devices, the simulator asks its FilterPlugins about
// last: resources come before what is refused anywhere, and other pods in the way before all of it.
func differ(got scheduling.Misfit, want scheduler.Refusal) string {
	switch {
	case got.OK() != (want.Plugin == ""):
		return "one says that it fits"
	case got.OK(), want.Plugin == "PreFilter": // which names no plugin
		return ""
	case judged(want.Plugin) && (want.Anywhere && got.Plugin() == "NodeResourcesFit" || got.Plugin() == "PodTopologySpread" || got.Plugin() == "InterPodAffinity"):
		return ""
	case !want.Anywhere && before(scheduling.Plugin(want.Plugin), got.Plugin()):
		return "" // what holds for every node of that kind is said before what its pods do
	case string(got.Plugin()) != want.Plugin:
		return "two plugins"
	case want.Plugin == "VolumeBinding" && !want.Anywhere:
		return "" // the last free volume may be gone, where there is another reason anyway
	case judged(want.Plugin) && !strings.Contains(want.Message, words(got.What)):
		return "two reasons"
	}
	return ""
}

// words are those of the plugin: the claim that the simulator names behind them is its own.
func words(reason string) string {
	said, _, _ := strings.Cut(reason, ": claim ")
	return said
}

// judged is whether the plugin is one of the simulator's FilterPlugins.
func judged(plugin string) bool {
	return slices.Contains([]string{"VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "DynamicResources"}, plugin)
}

// before is whether kube-scheduler asks the one before the other, both about volumes.
func before(one, other scheduling.Plugin) bool {
	order := []scheduling.Plugin{"VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone"}
	at := slices.Index(order, one)
	return at >= 0 && slices.Index(order, other) > at
}
