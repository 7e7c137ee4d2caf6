package plan

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// A day of a cluster: the load of three applications follows a curve with noise, a scheduler spreads their pods, groups
// take their time to launch nodes, and each half minute trimtab decides. The chart and the count of needless changes
// are the golden file; `go test ./clusterscaler/plan -run Day -update` draws it anew.
func TestADay(t *testing.T) {
	const file = "testdata/day/day.txt"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	script, want, _ := strings.Cut(string(raw), "----\n")
	d := newDay(t, script)
	chart := d.run()
	if d.needless() > 0 || d.longest > 5*time.Minute {
		t.Errorf("%d changes were needless, and a pod waited for %s:\n%s", d.needless(), d.longest, strings.Join(d.log, "\n"))
	}
	switch {
	case flag.Lookup("update").Value.String() == "true":
		if err := os.WriteFile(file, []byte(script+"----\n"+chart), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != chart:
		t.Errorf("the day has changed:\n%s", chart)
	}
	hasty := newDay(t, script)
	hasty.policy.UnneededTime, hasty.policy.DelayAfterAdd = 0, 0
	if hasty.run(); hasty.needless() == 0 {
		t.Error("without any waiting time nothing is needless: the count counts nothing")
	}
}

// run lets the day pass, and draws it.
func (d *day) run() string {
	var chart strings.Builder
	fmt.Fprintf(&chart, "%-6s %5s %8s %6s %5s  %s\n", "time", "pods", "pending", "nodes", "cpu", "nodes by the first letter of their group, + more on their way; ! pods pending")
	for d.now.Before(d.start.Add(24 * time.Hour)) {
		d.step()
		if since := d.now.Sub(d.start); since%(30*time.Minute) == 0 {
			chart.WriteString(d.line(since))
		}
	}
	return chart.String() + d.summary()
}

// app is a workload whose number of pods follows a curve.
type app struct {
	name  string
	spec  scheduling.Spec
	class scheduling.Class
	// hours has the number of pods at each full hour; between them it changes evenly. noise is what chance adds.
	hours []float64
	noise float64
	pods  []int // numbers of those that exist
	made  int
}

// day is the cluster at one moment.
type day struct {
	start, now time.Time
	r          *rand.Rand
	classes    *scheduling.Classes
	apps       []*app
	groups     []Group
	nodes      []*Node
	planner    Planner
	launching  map[string][]time.Time // by group: when each comes
	draining   map[string]time.Time   // by node: when it is gone
	pods       map[string]*Pod
	memory     Memory
	policy     Policy

	made        int
	log         []string
	added, gone []change
	waited      time.Duration
	longest     time.Duration
	cpu         float64
}

type change struct {
	group string
	at    time.Time
}

const dayStep = 30 * time.Second

// flap is the time in which a node that comes back need not have gone.
const flap = 15 * time.Minute

// newDay reads the script.
func newDay(t *testing.T, script string) *day {
	d := &day{
		start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), classes: &scheduling.Classes{},
		launching: map[string][]time.Time{}, draining: map[string]time.Time{}, pods: map[string]*Pod{}, policy: DefaultPolicy(),
	}
	d.now = d.start
	b := newBuilder(t, d.now, Memory{})
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		switch words[0] {
		case "seed":
			seed, err := strconv.ParseUint(words[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			d.r = rand.New(rand.NewPCG(seed, 0))
		case "load":
			f := parseFields(words[2:])
			a := &app{name: words[1], spec: b.pod(words[1], f).spec, noise: float64(b.number(f, "noise", 0))}
			for _, n := range split(f["hours"]) {
				pods, err := strconv.ParseFloat(n, 64)
				if err != nil {
					t.Fatal(err)
				}
				a.hours = append(a.hours, pods)
			}
			d.classes.Learn(&a.spec)
			d.apps = append(d.apps, a)
		default:
			b.line(line)
		}
	}
	for _, a := range d.apps {
		a.class = d.classes.Intern(a.spec)
	}
	d.groups = b.groups
	for _, g := range d.groups {
		for range g.Target {
			d.launching[g.Name] = append(d.launching[g.Name], d.start)
		}
	}
	return d
}

// step is half a minute of the cluster's life.
func (d *day) step() {
	d.now = d.now.Add(dayStep)
	d.load()
	d.launch()
	d.leave()
	d.schedule()
	d.decide()
}

// load makes and ends pods as the curves say.
func (d *day) load() {
	for _, a := range d.apps {
		at := d.now.Sub(d.start).Hours()
		hour := min(int(at), len(a.hours)-2)
		want := int(a.hours[hour] + (a.hours[hour+1]-a.hours[hour])*(at-float64(hour)) + a.noise*d.r.Float64())
		for len(a.pods) < want {
			name := fmt.Sprintf("%s-%04d", a.name, a.made)
			d.pods[name] = &Pod{Name: name, Class: a.class, State: Pending, Owner: "ReplicaSet", Created: d.now}
			a.pods = append(a.pods, a.made)
			a.made++
		}
		for len(a.pods) > want { // the youngest go, as a ReplicaSet has it
			last := a.pods[len(a.pods)-1]
			a.pods = a.pods[:len(a.pods)-1]
			delete(d.pods, fmt.Sprintf("%s-%04d", a.name, last))
		}
	}
}

// launch lets nodes come that were requested long enough ago.
func (d *day) launch() {
	for i := range d.groups {
		g := &d.groups[i]
		d.launching[g.Name] = slices.DeleteFunc(d.launching[g.Name], func(at time.Time) bool {
			if at.After(d.now) {
				return false
			}
			d.made++
			n := &Node{Node: g.Template, Capacity: g.Capacity, Group: g.Name, Ready: true, Created: d.now}
			n.Name = fmt.Sprintf("%s-%03d", g.Name, d.made)
			n.Labels = map[string]string{"zone": g.Template.Labels["zone"], "kubernetes.io/hostname": n.Name}
			d.nodes = append(d.nodes, n)
			return true
		})
	}
	slices.SortFunc(d.nodes, func(a, b *Node) int { return strings.Compare(a.Name, b.Name) })
}

// leave takes nodes away whose drain is over; their pods are made anew elsewhere.
func (d *day) leave() {
	for _, n := range d.nodes {
		if until, going := d.draining[n.Name]; going && !d.now.Before(until) {
			for _, p := range d.pods {
				if p.Node == n.Name {
					again := *p
					again.State, again.Node, again.Created = Pending, "", d.now
					d.pods[p.Name] = &again
				}
			}
			d.memory = d.memory.Deleted(n.Name, n.Group, d.now)
			for j := range d.groups {
				if d.groups[j].Name == n.Group {
					d.groups[j].Target--
				}
			}
		}
	}
	d.nodes = slices.DeleteFunc(d.nodes, func(n *Node) bool {
		until, going := d.draining[n.Name]
		return going && !d.now.Before(until)
	})
}

// snapshot is what trimtab sees.
func (d *day) snapshot() *Snapshot {
	s := &Snapshot{Classes: d.classes, Groups: slices.Clone(d.groups), Nodes: slices.Clone(d.nodes)}
	for _, p := range d.pods {
		s.Pods = append(s.Pods, p)
	}
	slices.SortFunc(s.Pods, byPodName)
	return s
}

// schedule puts each pod without a node on the one that has most CPU left, as the default scheduler's scores do.
func (d *day) schedule() {
	s := d.snapshot()
	c := scheduling.NewCluster(d.classes)
	ids := map[string]scheduling.NodeID{}
	for i := range s.Nodes {
		ids[s.Nodes[i].Name] = c.AddNode(&s.Nodes[i].Node)
	}
	for _, p := range s.Pods {
		if p.State == Bound {
			c.Place(p.Class, ids[p.Node], 1)
		}
	}
	for _, p := range s.Pods {
		if p.State == Bound {
			continue
		}
		best := -1
		for n := range s.Nodes {
			id := scheduling.NodeID(n)
			if !s.Nodes[n].Deleting && c.Fits(p.Class, id).OK() && (best < 0 || c.Free(id).MilliCPU > c.Free(scheduling.NodeID(best)).MilliCPU) {
				best = n
			}
		}
		if best >= 0 {
			c.Place(p.Class, scheduling.NodeID(best), 1)
			there := *p
			there.State, there.Node = Bound, s.Nodes[best].Name
			d.pods[p.Name] = &there
			d.longest = max(d.longest, d.now.Sub(p.Created))
		}
	}
}

// decide lets trimtab decide, and does what it says.
func (d *day) decide() {
	s := d.snapshot()
	plan, memory := d.planner.Decide(s, d.memory, d.policy, d.now)
	d.memory = memory
	for _, up := range plan.ScaleUp {
		i := slices.IndexFunc(d.groups, func(g Group) bool { return g.Name == up.Group })
		d.groups[i].Target = up.To
		for range up.To - up.From {
			d.launching[up.Group] = append(d.launching[up.Group], d.now.Add(time.Duration(60+d.r.IntN(60))*time.Second))
			d.added = append(d.added, change{up.Group, d.now})
		}
		d.memory = d.memory.ScaledUp(up.Group, d.now)
		d.log = append(d.log, fmt.Sprintf("%s %s %d -> %d for %d pods", d.now.Format("15:04:05"), up.Group, up.From, up.To, len(up.Pods)))
	}
	for _, r := range plan.ScaleDown {
		d.draining[r.Node] = d.now.Add(dayStep)
		i := slices.IndexFunc(d.nodes, func(n *Node) bool { return n.Name == r.Node })
		going := *d.nodes[i]
		going.Deleting = true
		d.nodes[i] = &going
		d.gone = append(d.gone, change{r.Group, d.now})
		d.log = append(d.log, fmt.Sprintf("%s %s goes, %d pods move", d.now.Format("15:04:05"), r.Node, len(r.Moves)))
	}
	pending, used, have := 0, int64(0), int64(0)
	for _, p := range s.Pods {
		if p.State == Bound {
			used += d.classes.Spec(p.Class).Requests.MilliCPU
		} else {
			pending++
		}
	}
	for i := range s.Nodes {
		have += s.Nodes[i].Allocatable.MilliCPU
	}
	d.waited += time.Duration(pending) * dayStep
	d.cpu += ratio(used, have)
}

// needless counts the nodes that were added to a group shortly after one of it had been removed.
func (d *day) needless() int {
	n := 0
	for _, g := range d.gone {
		if slices.ContainsFunc(d.added, func(a change) bool {
			return a.group == g.group && a.at.After(g.at) && a.at.Sub(g.at) <= flap
		}) {
			n++
		}
	}
	return n
}

// line is a row of the chart.
func (d *day) line(since time.Duration) string {
	bar := ""
	used, have := int64(0), int64(0)
	for _, n := range d.nodes {
		bar += n.Group[:1]
		have += n.Allocatable.MilliCPU
	}
	pending := 0
	for _, p := range d.pods {
		if p.State == Bound {
			used += d.classes.Spec(p.Class).Requests.MilliCPU
		} else {
			pending++
		}
	}
	coming := 0
	for _, at := range d.launching {
		coming += len(at)
	}
	return fmt.Sprintf("%02d:%02d  %5d %8d %6d %4.0f%%  %s\n", int(since.Hours()), int(since.Minutes())%60, len(d.pods), pending,
		len(d.nodes), 100*ratio(used, have), bar+strings.Repeat("+", coming)+strings.Repeat("!", pending))
}

func (d *day) summary() string {
	steps := float64(24 * time.Hour / dayStep)
	return fmt.Sprintf("\n%d nodes added, %d removed, %d of these needlessly; a pod waited %s at the most; CPU requested on average %.0f%%\n",
		len(d.added), len(d.gone), d.needless(), d.longest, 100*d.cpu/steps)
}
