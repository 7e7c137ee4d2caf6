package offline

import (
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// Input is a file that has been read.
type Input struct {
	// Name is what errors call it.
	Name string
	Data []byte
}

// Cluster is the cluster of a dump, with its node groups.
type Cluster struct {
	dump   *dump
	groups []plan.Group
	// labels are what the template of each group asks for.
	labels []map[string]string
	member map[string]string
}

// Dump is a dump that is read as it comes.
type Dump struct {
	// Name is what errors call it.
	Name string
	Text io.Reader
}

// Read reads both files. All mistakes are in the error, a config.Problems, each with its line where it has one. Of the dump only
// what a decision needs is in memory.
func Read(dump Dump, groups Input) (*Cluster, error) {
	return read(readDump(dump.Name, dump.Text, wholeText), dump.Name, groups)
}

func read(d *dump, name string, groups Input) (*Cluster, error) {
	nodeGroups, ps := readGroups(groups)
	if len(d.problems) == 0 { // else a node may be missing because it could not be read
		ps = append(ps, unknownNodes(nodeGroups, &d.Objects, name)...)
	}
	for i := range ps {
		ps[i].File = groups.Name
	}
	if len(groups.Data) <= config.MaxFileBytes {
		ps.Locate(config.Document{Line: 1, Data: groups.Data})
	}
	if err := append(d.problems, ps...).AsError(); err != nil {
		return nil, err
	}
	c := &Cluster{dump: d, member: map[string]string{}}
	beliefs, templates := make([]fleet.Belief, len(nodeGroups)), make([]*corev1.Node, len(nodeGroups))
	for i := range nodeGroups {
		g := &nodeGroups[i]
		described, _ := g.Described(g.Template.Template) // the file is valid
		beliefs[i], templates[i] = g.believed()
		c.labels = append(c.labels, described.Template.Labels)
		for _, node := range g.Nodes {
			c.member[node] = g.Name
		}
	}
	c.groups = plan.GroupsOf(beliefs, templates)
	return c, nil
}

// Taints says which taints a node has for a while only, beside the taints of Kubernetes and cluster-autoscaler.
func (c *Cluster) Taints(t kube.NodeTaints) { c.dump.Taints = t }

// MinReplicas makes pods of ReplicaSets and ReplicationControllers that are to have fewer replicas keep their nodes. The note
// tells what the dump lacks for it; it is empty where nothing is lacking.
func (c *Cluster) MinReplicas(n int) (note string) {
	c.dump.FewReplicas = func(kind, namespace, name string) bool {
		replicas, said := c.dump.replicas[owner{kind, namespace, name}]
		return said && replicas < n
	}
	if n > 0 && c.dump.read["ReplicaSet"]+c.dump.read["ReplicationController"] == 0 {
		return "minReplicaCount is not judged, since the dump has no ReplicaSet and no ReplicationController: their pods are taken to be free to go"
	}
	return ""
}

// Priorities are those of the expander priority, from the ConfigMap of the dump in that namespace. The note tells why there are none.
func (c *Cluster) Priorities(namespace string) (all []plan.Priority, note string) {
	const alike = "all groups are alike to the expander priority"
	m := c.dump.priorities[namespace]
	if m == nil {
		return nil, fmt.Sprintf("the dump has no ConfigMap %s/%s: %s", namespace, kube.PrioritiesConfigMap, alike)
	}
	all, err := kube.PrioritiesOf(m)
	if err != nil {
		return nil, fmt.Sprintf("%s: %s", printable(err.Error()), alike)
	}
	return all, ""
}

// Decide plans for the cluster what the first loop of a new process would at that time, with new nodes like the newest good
// one of each group where there is one. The policy may ignore timers; it always explains.
func (c *Cluster) Decide(policy plan.Policy, now time.Time) Result {
	c.dump.ExpendableBelow = policy.ExpendablePodsPriorityCutoff
	seen := kube.Observation{Objects: &c.dump.Objects, Groups: c.groups, GroupOf: c.member, Now: now}
	s := seen.Snapshot()
	var planner plan.Planner
	p, _ := planner.Decide(s, plan.Memory{}, policy, now)
	planner.Reasons(s, plan.Memory{}, policy, now).Fill(s, &p)
	r := ResultOf(&p, now, c.dump.read)
	r.Ignored = c.dump.ignored
	r.Notes = append(r.Notes, slices.Concat(c.dump.notes(s.Groups), c.templateNotes(s), c.exampleNotes(s), expendableNote(s, policy.ExpendablePodsPriorityCutoff))...)
	return r
}

// expendableNote names a pod that runs and is left out since its priority is below the cutoff.
func expendableNote(s *plan.Snapshot, cutoff int32) []string {
	first, n := "", 0
	for _, pod := range s.Pods {
		if pod.State == plan.Bound && pod.Priority < cutoff {
			if n++; n == 1 {
				first = pod.Name
			}
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("pods that run with a priority below %d (expendablePodsPriorityCutoff) use no room and keep no node: %d, the first is %s", cutoff, n, printable(first))}
}
