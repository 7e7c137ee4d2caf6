package clusterscaler

import (
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/record"
)

// forRecord is the observation without what the translator knows better by now: the pods, and their owners.
func forRecord(seen kube.Observation) kube.Observation {
	objects := *seen.Objects
	objects.Pods, objects.Changes, objects.OwnerMissing, objects.FewReplicas = nil, nil, nil, nil
	seen.Objects = &objects
	return seen
}

// Record is what the plan of the last loop was made of, and that plan. It shares its objects with the cache, which never
// changes them, and so it can be written while the next loops go on.
func (c *ClusterScaler) Record() (*record.Record, error) {
	c.look.Lock()
	defer c.look.Unlock()
	l := &c.look
	if l.snapshot == nil {
		return nil, ErrNoLoop
	}
	r := &record.Record{
		Seen: l.seen, Owners: c.translator.Owners(), Memory: l.before, Policy: l.policy, Outcome: record.OutcomeOf(&l.plan),
	}
	objects := *l.seen.Objects
	objects.Pods = c.translator.Pods()
	r.Seen.Objects, r.Seen.Examples = &objects, c.outliving()
	return r, nil
}
