package plan

import (
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// outcome is what a drain rule says about a pod.
type outcome uint8

const (
	undecided outcome = iota
	stays             // the pod goes with its node, or is gone already; nothing to do
	moves             // the pod is evicted and runs elsewhere
	blocks            // the pod keeps its node
	completes         // the pod keeps its node until it has completed
)

// drainRule decides on one pod or leaves it to the next rule. reason names why it blocks.
type drainRule struct {
	reason string
	says   func(p *Pod, d *drain) outcome
}

// drain is what the rules know beside the pod.
type drain struct {
	policy  Policy
	now     time.Time
	budgets []Budget
	// allowed is what is left of each of the budgets.
	allowed []int
	rules   []drainRule
}

func newDrain(p Policy, now time.Time, budgets []Budget, allowed []int) drain {
	return drain{policy: p, now: now, budgets: budgets, allowed: allowed, rules: drainRules()}
}

// allowedBy is what each of the budgets allows.
func allowedBy(budgets []Budget) []int {
	out := make([]int, len(budgets))
	for i, b := range budgets {
		out[i] = b.Allowed
	}
	return out
}

// The reasons of the rules about disruption budgets and about volumes with local data.
const (
	ruleBudget       = "NotEnoughPdb"
	ruleLocalStorage = "LocalStorageRequested"
)

// drainRules are asked in this order; the first that decides, decides.
func drainRules() []drainRule {
	return []drainRule{
		{"", mirrorPod},
		{"", longTerminating},
		{"ControllerNotFound", controllerMissing},
		{"MinReplicasReached", fewReplicas},
		{"", daemonSetPod},
		{"", safeToEvict},
		{"", waitForCompletion},
		{"NotReplicated", notReplicated},
		{"UnmovableKubeSystemPod", systemPod},
		{"NotSafeToEvictAnnotation", notSafeToEvict},
		{ruleLocalStorage, localStorage},
		{ruleBudget, budgetUsedUp},
	}
}

// drainable asks the rules what becomes of a pod when its node is drained.
func (d *drain) drainable(p *Pod) (outcome, string) {
	for _, rule := range d.rules {
		if o := rule.says(p, d); o != undecided {
			return o, rule.reason
		}
	}
	return moves, ""
}

// blocked are the facts of a pod that a rule blocks.
func (d *drain) blocked(p *Pod, rule string) []verdict.Fact {
	facts := []verdict.Fact{verdict.Text("rule", rule)}
	if b := d.usedUp(p); rule == ruleBudget && b >= 0 {
		facts = append(facts, verdict.Text("budget", d.budgets[b].Name))
	}
	if rule == ruleLocalStorage {
		facts = append(facts, verdict.Text("volume", strings.Join(p.LocalVolumes, ", ")))
	}
	return facts
}

func mirrorPod(p *Pod, _ *drain) outcome { return when(p.Mirror, stays) }

func longTerminating(p *Pod, d *drain) outcome { return when(p.overdue(d.now), stays) }

func controllerMissing(p *Pod, d *drain) outcome {
	return when(d.policy.SkipCustomControllers && p.OwnerMissing && ownerCounts(p), blocks)
}

func fewReplicas(p *Pod, d *drain) outcome {
	return when(d.policy.SkipCustomControllers && p.FewReplicas && ownerCounts(p), blocks)
}

// ownerCounts is whether the controller's state matters. Of those whose pods an annotation makes a DaemonSet's,
// cluster-autoscaler looks at ReplicationControllers alone.
func ownerCounts(p *Pod) bool { return !p.AsDaemon || p.Owner == "ReplicationController" }

func daemonSetPod(p *Pod, _ *drain) outcome { return when(p.daemon(), stays) }

func safeToEvict(p *Pod, _ *drain) outcome { return when(p.Eviction == EvictionSafe, moves) }

func waitForCompletion(p *Pod, _ *drain) outcome {
	return when(p.Eviction == EvictionOnCompletion, completes)
}

func notReplicated(p *Pod, d *drain) outcome {
	return when(p.Owner == "" || (d.policy.SkipCustomControllers && !knownController(p.Owner)), blocks)
}

// knownController is whether pods of that kind of owner are made anew by Kubernetes itself.
func knownController(kind string) bool {
	switch kind {
	case "ReplicaSet", "ReplicationController", "StatefulSet", "Job", daemonSetKind:
		return true
	}
	return false
}

// systemPod lets a kube-system pod without a budget go once it is old, past the rules that follow, as
// cluster-autoscaler does.
func systemPod(p *Pod, d *drain) outcome {
	if !d.policy.SkipSystemPods || p.Namespace() != "kube-system" || len(p.Budgets) > 0 {
		return undecided
	}
	if d.now.Sub(p.Created) > d.policy.SystemPodTimeout {
		return moves
	}
	return blocks
}

func notSafeToEvict(p *Pod, _ *drain) outcome { return when(p.Eviction == EvictionUnsafe, blocks) }

func localStorage(p *Pod, d *drain) outcome {
	return when(d.policy.SkipLocalStorage && len(p.LocalVolumes) > 0, blocks)
}

func budgetUsedUp(p *Pod, d *drain) outcome { return when(d.usedUp(p) >= 0, blocks) }

// usedUp is the first of the pod's budgets that allows nothing more, or -1.
func (d *drain) usedUp(p *Pod) int {
	for _, b := range p.Budgets {
		if d.allowed[b] < 1 {
			return b
		}
	}
	return -1
}

func when(condition bool, o outcome) outcome {
	if condition {
		return o
	}
	return undecided
}
