package plan

import (
	"slices"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
	"github.com/trimtab/trimtab/internal/verdict"
)

// reportGroups turns what was decided on each group into the plan's increases and verdicts.
func (d *decision) reportGroups() {
	grownFor := d.grownFor()
	for i := range d.groups {
		g := &d.groups[i]
		v := g.verdict
		switch {
		case g.grows > 0:
			to := g.Target + g.grows
			pods := grownFor[g.Name]
			facts := []verdict.Fact{verdict.Number("from", g.Target), verdict.Number("to", to), verdict.Number("for pods", len(pods))}
			v.Facts = append(append(facts, g.spareFact()...), v.Facts...)
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
	for i := d.requested; i < len(d.upcoming); i++ {
		for _, s := range d.added[scheduling.NodeID(len(d.s.Nodes)+i)] {
			for _, pod := range s.pods {
				if !pod.spare() {
					out[d.upcoming[i]] = append(out[d.upcoming[i]], pod.Name)
				}
			}
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
	why := map[scheduling.Class][]verdict.Verdict{}
	for _, b := range d.batches {
		if _, known := why[b.class]; !known {
			why[b.class] = d.whyNot(b.class)
		}
		for _, pod := range b.pods {
			if at, is := d.kept.asked[pod]; is {
				v := verdict.Because(podSubject(pod), NotTriggerScaleUp, summary(why[b.class]))
				d.verdicts[at] = podVerdict{verdict: v, why: why[b.class]}
			}
		}
	}
	growth := make(map[string][]verdict.Fact, len(d.plan.ScaleUp)) // shared by the pods of a group
	for _, up := range d.plan.ScaleUp {
		growth[up.Group] = []verdict.Fact{verdict.Text("group", up.Group),
			verdict.Number("from", up.From), verdict.Number("to", up.To), verdict.Number("max", up.Max)}
	}
	d.plan.Pending = slices.Grow(d.plan.Pending, len(d.kept.waiting))
	for i, pod := range d.kept.waiting {
		v := &d.verdicts[i]
		if v.group != "" {
			v.verdict = verdict.Because(podSubject(pod), TriggeredScaleUp, growth[v.group]...)
		}
		if v.verdict.Code != "" {
			d.plan.Pending = append(d.plan.Pending, PendingPod{Pod: pod.Name, Group: v.group, Verdict: v.verdict, Why: v.why})
		}
	}
}

// whyNot has a verdict for each group, in the order of their names, on why it does not grow for the class.
func (d *decision) whyNot(class scheduling.Class) []verdict.Verdict {
	var out []verdict.Verdict
	for i := range d.groups {
		g := &d.groups[i]
		subject := groupSubject(g.Name)
		if g.Trouble != "" { // its template may be none
			out = append(out, g.inTrouble())
		} else if m := d.misfit(g, class); !m.OK() {
			more := g.taken(m)
			if m.Code == scheduling.HostPortTaken {
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
func (g *groupState) tooSmall(m scheduling.Misfit) scheduling.Misfit {
	if _, short := m.Of(g.Template.Allocatable); short {
		m.Free = max(m.Free, 0)
	}
	return m
}

// taken says what the pods that each new node runs take of the resource that is short, where they leave nothing of it or the
// pod would fit without them.
func (g *groupState) taken(m scheduling.Misfit) []verdict.Fact {
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
