package externalgrpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// staleAge is for how long a server that accepted to let a group grow may still tell the size from before: some
	// remember what their cloud said. Meanwhile the size that it accepted is believed, so that no pod is answered twice.
	staleAge = time.Minute
)

// promise is a size that the server accepted for a group and has not told since, or that it tells without counting all
// nodes which stand.
type promise struct {
	size int
	at   time.Time
	// by is how many nodes were asked for beside those that stood.
	by    int
	stood map[string]bool
}

// gone is a node that the server has deleted.
type gone struct {
	providerID string
	at         time.Time
}

// promised notes that the server has accepted the size, for so many nodes more than stand.
func (p *Provider) promised(group string, size, by int) {
	stood := map[string]bool{}
	for name, m := range p.observation().nodes {
		if m.group == group {
			stood[name] = true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, made := p.promises[group]; made { // its nodes may still come
		stood, by = before.stood, before.by+by
	}
	p.promises[group] = promise{size, p.deps.Now(), by, stood}
}

// shrunk notes that the server has accepted not to work towards so many nodes that have not come.
func (p *Provider) shrunk(group string, by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pr, made := p.promises[group]; made {
		pr.size, pr.by = pr.size-by, max(pr.by-by, 0)
		p.promises[group] = pr
	}
}

// deleted notes that the server has deleted nodes of a group.
func (p *Provider) deleted(group string, nodes []*member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, made := p.promises[group]
	for _, m := range nodes {
		p.gone[m.node.GetName()] = gone{m.node.GetProviderID(), p.deps.Now()}
		if pr.size--; !pr.stood[m.node.GetName()] {
			pr.by--
		}
	}
	if made {
		p.promises[group] = pr
	}
}

// countComing finds how many of the promised nodes have not come yet.
func (p *Provider) countComing(groups []*observed, member map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.promises) == 0 {
		return
	}
	came := map[string]int{}
	for name, group := range member {
		if pr, made := p.promises[group]; made && !pr.stood[name] {
			came[group]++
		}
	}
	for _, g := range groups {
		g.coming = max(p.promises[g.id].by-came[g.id], 0)
	}
}

// dropGone takes nodes out of their groups that the server has accepted to delete, for as long as that may take, or says
// that it is deleting: the size no longer counts them, and they must not be taken for nodes that it does.
func (p *Provider) dropGone(groups []*observed, nodes []*corev1.Node, member map[string]string) {
	deleting := map[string]bool{}
	for _, g := range groups {
		for _, i := range g.instances {
			if i.State == Deleting {
				deleting[i.ID] = true
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.gone)+len(deleting) == 0 {
		return
	}
	now, still := p.deps.Now(), map[string]gone{}
	for _, n := range nodes {
		g, was := p.gone[n.Name]
		if was = was && g.providerID == n.Spec.ProviderID && now.Sub(g.at) < p.deps.MaxNodeDeletionTime; was {
			still[n.Name] = g
		}
		if was || deleting[n.Spec.ProviderID] {
			delete(member, n.Name)
		}
	}
	p.gone = still
}

// believed is the size of a group that a decision rests on. A doubt keeps the group from growing: the next best does.
func (p *Provider) believed(g *observed) (size int, doubt string) {
	size, doubt = p.promisedSize(g)
	there := g.registered
	if g.instancesTold {
		there = max(there, g.instancesThere())
	}
	if size > max(g.max, there) {
		return there, fmt.Sprintf("the server says that it has %d nodes, more than its maximum of %d, and there are %d", size, g.max, there)
	}
	return size, doubt
}

// promisedSize is the size that the server told, or the one that it has accepted a moment ago. As long as promised nodes
// have not come, one that counts fewer than stand and come does not hide that they are on their way: else each loop would
// ask for them again. One that the server accepted and does not tell is a doubt until requested nodes would be given up.
func (p *Provider) promisedSize(g *observed) (size int, doubt string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, made := p.promises[g.id]
	if !made {
		return g.size, ""
	}
	age, told, counted := p.deps.Now().Sub(pr.at), g.sizeTold && g.size >= pr.size, g.registered+g.coming
	switch {
	case g.coming == 0, told && g.size >= counted, age >= max(staleAge, p.provisionTime(g)):
		delete(p.promises, g.id)
		return g.size, ""
	case told, age < staleAge:
		return max(g.size, pr.size, min(counted, g.max)), ""
	default:
		return g.size, fmt.Sprintf("the server accepted to let it grow to %d nodes %s ago, and says %d", pr.size, age.Round(time.Second), g.size)
	}
}

// instancesThere is how many machines there are that are not being deleted.
func (o *observed) instancesThere() int {
	n := 0
	for _, i := range o.instances {
		if i.State != Deleting {
			n++
		}
	}
	return n
}

// restError is that the server is left alone because it has failed a moment ago.
type restError struct {
	err error
	age time.Duration
}

func (e *restError) Error() string {
	return fmt.Sprintf("%v (%s ago; it is asked again %s after a failure)", e.err, e.age.Round(time.Millisecond), refreshPause)
}

func (e *restError) Unwrap() error { return e.err }

// resting is why the server is not asked now: it has failed as a whole just before. Pods that come one after another and
// nodes that are judged start observations too, and must not wear out a server that throttles.
func (p *Provider) resting() error {
	if p.failure == nil {
		return nil
	}
	if age := p.deps.Now().Sub(p.failed); age >= 0 && age < refreshPause {
		return &restError{p.failure, age}
	}
	return nil
}

// noteFailure keeps the failure of an observation, if it is the server's own and not the end of ctx.
func (p *Provider) noteFailure(ctx context.Context, err error) {
	p.failure = nil
	if e, called := errors.AsType[*Error](err); called && ofServer(e) && ctx.Err() == nil {
		p.failure, p.failed = err, p.deps.Now()
	}
}
