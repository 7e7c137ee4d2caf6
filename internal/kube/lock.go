package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// lock is the Lease for one process. client-go's elector continues to lead until its renew deadline, even if it reads
// another holder. The lock ends leadership at once.
type lock struct {
	resourcelock.Interface
	term *term

	mu sync.Mutex
	// held says that this process had the Lease. lost is why it no longer has it.
	held bool
	lost error
	// onLost is called once, when lost is set.
	onLost func()
}

// Get is part of resourcelock.Interface. After the Lease was lost it returns an error, so that the elector cannot take
// it again.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err == nil {
		err = l.see(record.HolderIdentity)
	}
	if err != nil {
		return nil, nil, err
	}
	return record, raw, nil
}

// see records the holder of the Lease.
func (l *lock) see(holder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held && l.lost == nil && holder != l.Identity() {
		l.lost = fmt.Errorf("%w: it is held by %q", errLeadershipLost, holder)
		l.term.close()
		l.onLost()
	}
	return l.lost
}

// Create is part of resourcelock.Interface.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Create)
}

// Update is part of resourcelock.Interface.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Update)
}

// write takes, renews or gives back the Lease. After a conflict another process has written it, so writes do not count
// until it is read again.
func (l *lock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, do func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	if err := l.whyLost(); err != nil {
		return err
	}
	mine := record.HolderIdentity == l.Identity()
	if !mine {
		l.term.close()
	}
	sent := l.term.now()
	err := do(ctx, record)
	switch {
	case err == nil && mine:
		l.mu.Lock()
		l.held = true
		l.mu.Unlock()
		l.term.renew(sent, time.Duration(record.LeaseDurationSeconds)*time.Second)
	case apierrors.IsConflict(err):
		l.term.close()
	}
	return err
}

// whyLost is nil unless the Lease was lost.
func (l *lock) whyLost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}
