package clusterscaler

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// actTimeout bounds a request to the provider, and actParallel how many groups are asked at a time.
const (
	actTimeout  = time.Minute
	actParallel = 32
	// Nodes that could not be given up, and instances that could not be deleted, are tried again after actMinPause, which
	// doubles up to actMaxPause. A group that could not grow has the pauses of the plan.
	actMinPause = 10 * time.Second
	actMaxPause = 5 * time.Minute
)

// act carries the plan out in these steps. It returns the groups that could not grow: another group may be the next best for
// their pods, so the next loop should come at once.
//
//  1. Removals: resume removals that stand still, and begin those of the plan. They go on beside the loop.
//  2. Requests to the provider: give up nodes that have not come, delete instances that have not registered, and grow groups.
//     Wait for the answers, so that the next loop knows what was done.
//  3. Mark the nodes that are unneeded.
func (c *ClusterScaler) act(ctx context.Context, p *plan.Plan, seen *observation) (failed map[string]bool) {
	// 1. Removals.
	c.resume(ctx, p, seen)
	c.begin(ctx, p.ScaleDown)

	// 2. Requests to the provider.
	failed = c.request(ctx, p, &seen.view)

	// 3. Mark.
	c.marks.Mark(p, seen.Nodes, seen.deleting)
	return failed
}

// request asks the provider to change groups as the plan says, and returns the groups that could not grow.
func (c *ClusterScaler) request(ctx context.Context, p *plan.Plan, view *fleet.View) (failed map[string]bool) {
	failed = map[string]bool{}
	var all []*request
	now := c.deps.Now()
	c.pauses.Forget(now)
	for _, less := range p.GiveUp {
		if what := fmt.Sprint(less); !c.pauses.Rests("give up "+less.Group, what, now) {
			all = append(all, c.decrease(less, view, what))
		}
	}
	for _, gone := range p.Unregistered {
		if what := fmt.Sprint(gone); !c.pauses.Rests("delete of "+gone.Group, what, now) {
			all = append(all, c.deleteUnregistered(gone, view, what))
		}
	}
	for _, up := range p.ScaleUp {
		all = append(all, c.increase(up, failed))
	}
	ask(ctx, all)
	for _, r := range all {
		r.note(r.err)
	}
	return failed
}

// request is one to the provider about a group.
type request struct {
	group string
	call  func(ctx context.Context) error
	// note takes the outcome, in the loop.
	note func(err error)
	err  error
}

// ask makes the requests of each group one after another, beside those of the other groups: a group whose requests hang
// holds up no other. It returns when all have been answered or have timed out, so that the next loop knows what was done.
func ask(ctx context.Context, all []*request) {
	byGroup := map[string][]*request{}
	for _, r := range all {
		byGroup[r.group] = append(byGroup[r.group], r)
	}
	var groups errgroup.Group
	groups.SetLimit(actParallel)
	for _, ofGroup := range byGroup {
		groups.Go(func() error {
			for _, r := range ofGroup {
				asking, cancel := context.WithTimeout(ctx, actTimeout)
				r.err = r.call(asking)
				cancel()
			}
			return nil
		})
	}
	_ = groups.Wait() // the errors are in the requests
}

// begin removes the nodes in the background.
func (c *ClusterScaler) begin(ctx context.Context, removals []plan.Removal) {
	together := map[string][]plan.Removal{}
	for _, r := range removals {
		c.report.RemovalBegins(r)
		if r.AllOrNothing {
			together[r.Group] = append(together[r.Group], r)
		} else {
			c.drainer.Begin(ctx, r)
		}
	}
	for _, all := range together {
		c.drainer.BeginAllOrNothing(ctx, all)
	}
}

// resume goes on with what another process began, and with what was deleted and still stands.
func (c *ClusterScaler) resume(ctx context.Context, p *plan.Plan, seen *observation) {
	var begun []string
	together := map[string][]string{}
	for _, r := range p.Resume {
		_, deleted := c.memory.Deletions[r.Node]
		switch {
		case !deleted && !seen.orphans[r.Node]: // a drain is at work on it
		case r.AllOrNothing:
			together[r.Group] = append(together[r.Group], r.Node)
		case c.drainer.Resume(ctx, r.Node, r.Group):
			begun = append(begun, r.Node)
		}
	}
	for group, nodes := range together {
		begun = append(begun, c.drainer.ResumeAllOrNothing(ctx, group, nodes)...)
	}
	for _, node := range begun {
		if accepted, deleted := c.memory.Deletions[node]; deleted {
			c.report.Overdue(node, seen.GroupOf[node], accepted)
		}
	}
}

// increase asks for nodes, and notes the group where there will be none.
func (c *ClusterScaler) increase(up plan.Increase, failed map[string]bool) *request {
	r, moved := c.memory.Growth(up.Group, up.From, up.To), 0
	var asked time.Time
	call := func(ctx context.Context) (err error) {
		asked = c.deps.Now()
		moved, err = c.provider.SetTarget(ctx, r)
		return err
	}
	return &request{group: up.Group, call: call, note: func(err error) {
		added := up.To - up.From
		if err != nil {
			added = moved
		}
		c.report.Increased(up, added, err)
		if err != nil {
			failed[up.Group] = true
			c.memory = c.memory.ScaleUpFailed(up.Group, fleet.FailureOf(err), c.policy, c.deps.Now())
			if moved <= 0 {
				return
			}
			r.To = r.From + moved // the rest is not promised
		}
		c.memory = c.memory.ScaledUp(up.Group, asked)
		c.memory.Memory = c.memory.Resized(r, moved, c.deps.Now())
	}}
}

// repeated notes for how long a request is left alone, if it failed.
func (c *ClusterScaler) repeated(key, what string, err error) {
	if err == nil {
		c.pauses.Succeeded(key)
		return
	}
	c.pauses.Failed(key, what, c.deps.Now())
}

// decrease has instances deleted that cannot be made, and tells the provider not to work towards nodes any more that have not
// come. If it cannot, a later loop tries again.
func (c *ClusterScaler) decrease(less plan.Decrease, view *fleet.View, what string) *request {
	by := less.From - less.To
	c.deps.Log.Warn("nodes have not come and are given up", "group", less.Group, "nodes", by)
	given := 0
	call := func(ctx context.Context) (err error) {
		if t := view.Failed(less.Group, less.Failed); len(t.Victims) > 0 {
			accepted, err := c.provider.Terminate(ctx, t)
			if given = len(accepted); err != nil {
				return err
			}
		}
		if given == by {
			return nil
		}
		moved, err := c.provider.SetTarget(ctx, view.Lower(less.Group, less.From-given, less.To))
		given += moved
		return err
	}
	return &request{group: less.Group, call: call, note: func(err error) {
		c.memory.Memory = c.memory.Shrunk(less.Group, given)
		c.repeated("give up "+less.Group, what, err)
		c.report.Decreased(less, err)
	}}
}

// remove gives nodes back to the provider. It returns why it does not take some of them, by name.
func (c *ClusterScaler) remove(ctx context.Context, group string, nodes []string) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	t, err := c.recheck.cloud.drained(group, nodes)
	refused := map[string]error{}
	if err != nil {
		for _, node := range nodes {
			refused[node] = err
		}
		return refused
	}
	accepted, err := c.provider.Terminate(ctx, t)
	for v, why := range t.Refused(accepted, err) {
		refused[v.Node] = why
	}
	t.Victims = accepted
	c.recheck.cloud.deleted(t, c.deps.Now())
	return refused
}

// deleteUnregistered deletes instances that have not registered in time. If they cannot be, a later loop tries again.
func (c *ClusterScaler) deleteUnregistered(gone plan.Deletion, view *fleet.View, what string) *request {
	c.deps.Log.Warn("instances have not registered as nodes in time and are deleted", "group", gone.Group, "instances", gone.Instances)
	t := view.Unregistered(gone.Group, gone.Instances)
	var accepted []fleet.Victim
	call := func(ctx context.Context) (err error) {
		accepted, err = c.provider.Terminate(ctx, t)
		return err
	}
	return &request{group: gone.Group, call: call, note: func(err error) {
		c.memory.Memory = c.memory.Shrunk(gone.Group, len(accepted))
		c.repeated("delete of "+gone.Group, what, err)
		c.report.Deleted(gone.Group, accepted, t.Refused(accepted, err))
	}}
}
