package plan

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// growthReport is what a plan says of growth.
type growthReport struct {
	increases []Increase
	groups    []verdict.Verdict
	pending   []PendingPod
	headroom  []HeadroomState
}

// reportGrowth says what was decided on groups, pods without a node, and headroom. The world is as the growth has left it.
func reportGrowth(w *world, n *needs, g growth) growthReport {
	w.goTo(g.mark)
	d := &growing{w, g} // which does not grow
	var r growthReport
	counts, forSpares := d.placed.spareCounts(w.spares)
	r.increases, r.groups = d.reportGroups(len(n.batches) > 0, forSpares)
	switch {
	case w.unhealthy():
		r.headroom = d.reportSpares(counts, ClusterUnhealthy, w.plan.Cluster.Facts)
	case n.settling:
		r.headroom = d.reportSpares(counts, Settling, nil)
	default:
		r.headroom = d.reportSpares(counts, "", nil)
	}
	r.pending = d.reportPods(n.said, r.increases)
	return r
}

// reportGroups turns what was decided on each group into increases and verdicts. wanted says that some pod needed a node that
// is not there yet.
func (d *growing) reportGroups(wanted bool, forSpares map[string]int) (increases []Increase, groups []verdict.Verdict) {
	grownFor := d.placed.grownFor()
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
			increases = append(increases, Increase{Group: g.Name, From: g.Target, To: to, Max: g.Max, Pods: pods})
		case v.Code != "":
		case g.blocked.Code != "" && (wanted || g.blocked.Code == BackedOff || g.blocked.Code == GroupInTrouble):
			v = g.blocked
		case len(d.batches) > 0:
			v = verdict.Because(groupSubject(g.Name), NoPodFits, verdict.Number("pods", d.left()))
		default:
			v = verdict.Because(groupSubject(g.Name), NotNeeded, verdict.Number("size", g.Target))
		}
		groups = append(groups, v)
	}
	return increases, groups
}

// grownFor names, for each group that the plan adds nodes to, the pods on them, in the order of their names.
func (p *placed) grownFor() map[string][]string {
	out := map[string][]string{}
	for i := range p.shares {
		s := &p.shares[i]
		if !p.added(s.node) || s.spare() {
			continue
		}
		group := p.groupAt(s.node)
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
func (d *growing) left() int {
	n := 0
	for _, b := range d.batches {
		n += len(b.pods)
	}
	return n
}

// reportPods lists every pod without a node, with its verdict.
func (d *growing) reportPods(all []said, increases []Increase) []PendingPod {
	out := make([]PendingPod, len(d.kept.waiting))
	say := func(pods []*Pod, group string, code verdict.Code, why []verdict.Verdict, facts ...verdict.Fact) {
		for _, pod := range pods {
			if at, is := d.kept.asked[pod]; is { // else it only stands for its replacement
				out[at] = PendingPod{Pod: pod.Name, Group: group, Verdict: verdict.Because(podSubject(pod), code, facts...), Why: why}
			}
		}
	}
	for _, s := range all {
		out[s.at] = PendingPod{Pod: d.kept.waiting[s.at].Name, Verdict: s.verdict}
	}
	growth := make(map[string][]verdict.Fact, len(increases)) // shared by the pods of a group
	for _, up := range increases {
		growth[up.Group] = []verdict.Fact{verdict.Text("group", up.Group),
			verdict.Number("from", up.From), verdict.Number("to", up.To), verdict.Number("max", up.Max)}
	}
	var shared facts
	for i := range d.placed.shares {
		switch s := &d.placed.shares[i]; {
		case d.stands(s.node):
			say(s.pods, "", FitsNow, nil, shared.keep(verdict.Text("node", d.s.Nodes[s.node].Name))...)
		case !d.placed.added(s.node):
			say(s.pods, "", FitsUpcomingNode, nil, shared.keep(verdict.Text("group", d.placed.groupAt(s.node)))...)
		default:
			group := d.placed.groupAt(s.node)
			say(s.pods, group, TriggeredScaleUp, nil, growth[group]...)
		}
	}
	why := map[scheduling.Class][]verdict.Verdict{}
	for _, b := range d.batches {
		if _, known := why[b.class]; !known {
			why[b.class] = d.whyNot(b.class)
		}
		say(b.pods, "", NotTriggerScaleUp, why[b.class], summary(why[b.class]))
	}
	return slices.DeleteFunc(out, func(p PendingPod) bool { return p.Verdict.Code == "" })
}

// explainChoice notes why the best option was preferred to each other one.
func (d *growing) explainChoice(best *option, options []option) {
	for i := range options {
		o := &options[i]
		g := o.group
		if o.later && o == best {
			continue // it does not grow
		}
		if o == best {
			facts := append(slices.Clone(o.facts), verdict.Number("options", len(options)))
			g.verdict = verdict.Because(groupSubject(g.Name), ScaledUpGroup, facts...)
		} else if g.verdict.Code == "" {
			g.verdict = notChosen(o, best.group, best, d.policy.tieBreak(o, best)...)
		}
	}
}

// notChosen says of o which group was chosen in its place, and how the expander valued both.
func notChosen(o *option, chosen *groupGrowth, by *option, tie ...verdict.Fact) verdict.Verdict {
	facts := append(slices.Clone(o.facts), verdict.Text("chosen", chosen.Name), verdict.Text("with", verdict.Facts(by.facts).String()))
	return verdict.Because(groupSubject(o.group.Name), NotChosen, append(facts, tie...)...)
}

// whyNot has a verdict for each group, in the order of their names, on why it does not grow for the class.
func (d *growing) whyNot(class scheduling.Class) []verdict.Verdict {
	var out []verdict.Verdict
	for i := range d.groups {
		g := &d.groups[i]
		subject := groupSubject(g.Name)
		if g.Trouble != "" { // its template may be none
			out = append(out, g.inTrouble())
		} else if m := d.misfit(g.model, class); !m.OK() {
			more := g.taken(m)
			if m.Code == scheduling.HostPortTaken {
				more = d.holderOnNew(g.model, class)
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
func (g *model) tooSmall(m scheduling.Misfit) scheduling.Misfit {
	if _, short := m.Of(g.Template.Allocatable); short {
		m.Free = max(m.Free, 0)
	}
	return m
}

// taken says what the pods that each new node runs take of the resource that is short, where they leave nothing of it or the
// pod would fit without them.
func (g *model) taken(m scheduling.Misfit) []verdict.Fact {
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
