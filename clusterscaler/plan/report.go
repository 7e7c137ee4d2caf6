package plan

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
	"github.com/trimtab/trimtab/internal/verdict"
)

// reportGroups turns what was decided on each group into the plan's increases and verdicts.
func (d *decision) reportGroups() {
	grownFor := d.grownFor()
	_, forSpares := d.spareCounts()
	for i := range d.groups {
		g := &d.groups[i]
		v := g.verdict
		switch {
		case g.grows > 0:
			to := g.Target + g.grows
			pods := grownFor[g.Name]
			facts := []verdict.Fact{verdict.Number("from", g.Target), verdict.Number("to", to), verdict.Number("for pods", len(pods))}
			if n := forSpares[g.Name]; n > 0 {
				facts = append(facts, verdict.Number("for headroom", n))
			}
			v.Facts = append(facts, v.Facts...)
			d.plan.ScaleUp = append(d.plan.ScaleUp, Increase{Group: g.Name, From: g.Target, To: to, Max: g.Max, Pods: pods})
		case v.Code != "":
		case g.blocked.Code != "" && (d.wanted || g.blocked.Code == BackedOff || g.blocked.Code == GroupInTrouble):
			v = g.blocked
		case len(d.batches) > 0:
			v = verdict.Because(groupSubject(g.Name), NoPodFits, verdict.Number("pods", d.left()))
		default:
			v = verdict.Because(groupSubject(g.Name), NotNeeded, verdict.Number("size", g.Target))
		}
		d.plan.Groups = append(d.plan.Groups, v)
	}
}

// grownFor names, for each group that the plan adds nodes to, the pods on them, in the order of their names.
func (d *decision) grownFor() map[string][]string {
	out := map[string][]string{}
	for i := range d.placed {
		s := &d.placed[i]
		if !d.added(s.node) || s.pods[0].spare() {
			continue
		}
		group := d.groupAt(s.node)
		for _, pod := range s.pods {
			out[group] = append(out[group], pod.Name)
		}
	}
	for _, pods := range out {
		slices.Sort(pods)
	}
	return out
}

// left is the number of pods that need a node and get none.
func (d *decision) left() int {
	n := 0
	for _, b := range d.batches {
		n += len(b.pods)
	}
	return n
}

// reportPods lists every pod without a node, with its verdict.
func (d *decision) reportPods() {
	switch {
	case d.unhealthy():
		d.reportSpares(ClusterUnhealthy, d.plan.Cluster.Facts)
	case d.settling:
		d.reportSpares(Settling, nil)
	default:
		d.reportSpares("", nil)
	}
	pending := make([]PendingPod, len(d.kept.waiting))
	say := func(at int, group string, v verdict.Verdict, why []verdict.Verdict) {
		pending[at] = PendingPod{Pod: d.kept.waiting[at].Name, Group: group, Verdict: v, Why: why}
	}
	for _, s := range d.said {
		say(s.at, "", s.verdict, nil)
	}
	growth := make(map[string][]verdict.Fact, len(d.plan.ScaleUp)) // shared by the pods of a group
	for _, up := range d.plan.ScaleUp {
		growth[up.Group] = []verdict.Fact{verdict.Text("group", up.Group),
			verdict.Number("from", up.From), verdict.Number("to", up.To), verdict.Number("max", up.Max)}
	}
	for i := range d.placed {
		s := &d.placed[i]
		var group string
		var code verdict.Code
		var facts []verdict.Fact
		switch {
		case int(s.node) < len(d.s.Nodes):
			code, facts = FitsNow, d.keepFacts(verdict.Text("node", d.s.Nodes[s.node].Name))
		case !d.added(s.node):
			code, facts = FitsUpcomingNode, d.keepFacts(verdict.Text("group", d.groupAt(s.node)))
		default:
			group, code = d.groupAt(s.node), TriggeredScaleUp
			facts = growth[group]
		}
		for _, pod := range s.pods {
			if at, is := d.kept.asked[pod]; is {
				say(at, group, verdict.Because(podSubject(pod), code, facts...), nil)
			}
		}
	}
	why := map[simulate.Class][]verdict.Verdict{}
	for _, b := range d.batches {
		if _, known := why[b.class]; !known {
			why[b.class] = d.whyNot(b.class)
		}
		for _, pod := range b.pods {
			if at, is := d.kept.asked[pod]; is {
				say(at, "", verdict.Because(podSubject(pod), NotTriggerScaleUp, summary(why[b.class])), why[b.class])
			}
		}
	}
	d.plan.Pending = slices.DeleteFunc(pending, func(p PendingPod) bool { return p.Verdict.Code == "" })
}

// whyNot has a verdict for each group, in the order of their names, on why it does not grow for the class.
func (d *decision) whyNot(class simulate.Class) []verdict.Verdict {
	var out []verdict.Verdict
	for i := range d.groups {
		g := &d.groups[i]
		subject := groupSubject(g.Name)
		if g.Trouble != "" { // its template may be none
			out = append(out, g.inTrouble())
		} else if m := d.misfit(g, class); !m.OK() {
			more := g.taken(m)
			if m.Code == simulate.HostPortTaken {
				more = d.holderOnNew(g, class)
			}
			out = append(out, g.tooSmall(m).Verdict(subject, more...))
		} else if g.blocked.Code != "" {
			out = append(out, g.blocked)
		} else if g.verdict.Code == NotChosen { // the group that was chosen for them grows in a later loop
			out = append(out, g.verdict)
		}
	}
	slices.SortFunc(out, func(a, b verdict.Verdict) int { return a.Subject.Compare(b.Subject) })
	return out
}

// tooSmall is the misfit on a new node, of which no less than nothing is left.
func (g *groupState) tooSmall(m simulate.Misfit) simulate.Misfit {
	if _, short := m.Of(g.Template.Allocatable); short {
		m.Free = max(m.Free, 0)
	}
	return m
}

// taken says what the pods that each new node runs take of the resource that is short, where they leave nothing of it or the
// pod would fit without them.
func (g *groupState) taken(m simulate.Misfit) []verdict.Fact {
	all, short := m.Of(g.Template.Allocatable)
	if !short || all <= m.Free || m.Free > 0 && m.Need > all {
		return nil
	}
	name := "DaemonSets take"
	if slices.ContainsFunc(g.Runs, func(r Running) bool { return r.DaemonSet == "" }) {
		name = "DaemonSets and static pods take"
	}
	return []verdict.Fact{m.Amount(name, all-m.Free)}
}

// groupSubject is how verdicts call a group.
func groupSubject(name string) verdict.Subject { return verdict.On("group", name) }

func podSubject(pod *Pod) verdict.Subject { return verdict.On("pod", pod.Name) }

// summary puts the reasons of all groups into one fact: "general-a InsufficientCPU: need 8000m, free 3900m; ...".
func summary(why []verdict.Verdict) verdict.Fact {
	if len(why) == 0 {
		return verdict.Text("groups", "none")
	}
	var b strings.Builder
	for i, v := range why {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v.Subject.Name)
		b.WriteByte(' ')
		b.WriteString(v.Message())
	}
	return verdict.Text("groups", b.String())
}
