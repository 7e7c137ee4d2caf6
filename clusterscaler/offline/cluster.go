package offline

import (
	"time"

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
	member map[string]string
}

// Read reads both files. All mistakes are in the error, a config.Problems, each with its line where it has one.
func Read(dump, groups Input) (*Cluster, error) {
	d := readDump(dump)
	nodeGroups, ps := readGroups(groups)
	if len(d.problems) == 0 { // else a node may be missing because it could not be read
		ps = append(ps, unknownNodes(nodeGroups, &d.Objects, dump.Name)...)
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
	for i := range nodeGroups {
		g := &nodeGroups[i]
		c.groups = append(c.groups, g.planned())
		for _, node := range g.Nodes {
			c.member[node] = g.Name
		}
	}
	return c, nil
}

// Taints says which taints of nodes pass, beside those that Kubernetes and cluster-autoscaler name themselves.
func (c *Cluster) Taints(t kube.NodeTaints) { c.dump.Taints = t }

// Decide plans for the cluster what the first loop of a new process would at that time. The policy may ignore
// timers; it always explains.
func (c *Cluster) Decide(policy plan.Policy, now time.Time) Result {
	policy.Explain = true
	s := c.dump.Snapshot(c.groups, c.member, kube.Going)
	p, _ := plan.Decide(s, plan.Memory{}, policy, now)
	r := resultOf(c, &p, now)
	r.Notes = append(r.Notes, c.templateNotes(s)...)
	return r
}
