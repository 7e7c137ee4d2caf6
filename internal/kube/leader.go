package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/trimtab/trimtab/internal/config"
)

// LeaderElection decides which replica runs the loops that write. All replicas serve the metrics APIs.
type LeaderElection struct {
	// Enabled mirrors --leader-elect. Default true.
	Enabled bool `yaml:"leaderElect"`
	// Namespace and Name of the Lease; defaults are the pod's own namespace, else trimtab-system, and trimtab.
	Namespace string `yaml:"leaderElectResourceNamespace"`
	Name      string `yaml:"leaderElectResourceName"`
	// LeaseDuration, RenewDeadline and RetryPeriod mirror the flags of the same names: 15s, 10s, 2s.
	LeaseDuration config.Duration `yaml:"leaderElectLeaseDuration"`
	RenewDeadline config.Duration `yaml:"leaderElectRenewDeadline"`
	RetryPeriod   config.Duration `yaml:"leaderElectRetryPeriod"`
}

// SetDefaults fills in the values documented at the fields.
func (c *LeaderElection) SetDefaults() {
	c.Enabled, c.Name, c.Namespace = true, "trimtab", "trimtab-system"
	if ns := os.Getenv("POD_NAMESPACE"); ns != "" {
		c.Namespace = ns
	}
	c.LeaseDuration = config.Duration(15 * time.Second)
	c.RenewDeadline = config.Duration(10 * time.Second)
	c.RetryPeriod = config.Duration(2 * time.Second)
}

// mostLease keeps the seconds of a Lease, which are an int32, far from their limit.
const mostLease = config.Duration(24 * time.Hour)

// Validate checks what the types cannot.
func (c *LeaderElection) Validate() config.Problems {
	var ps config.Problems
	if !c.Enabled {
		return nil
	}
	for _, t := range []struct{ path, value string }{
		{"leaderElectResourceNamespace", c.Namespace}, {"leaderElectResourceName", c.Name},
	} {
		if t.value == "" {
			ps.Add(t.path, "must not be empty")
		}
	}
	config.Between(&ps, "leaderElectRetryPeriod", c.RetryPeriod, 1, mostLease)
	config.Between(&ps, "leaderElectLeaseDuration", c.LeaseDuration, config.Duration(time.Second), mostLease)
	var standard LeaderElection
	standard.SetDefaults()
	if c.LeaseDuration <= c.RenewDeadline {
		ps.Add("leaderElectLeaseDuration", "%s is not longer than leaderElectRenewDeadline (%s)",
			config.OrDefault(c.LeaseDuration, standard.LeaseDuration), config.OrDefault(c.RenewDeadline, standard.RenewDeadline))
	}
	if c.RenewDeadline <= c.RetryPeriod+c.RetryPeriod/5 {
		ps.Add("leaderElectRenewDeadline", "%s is not longer than 1.2 times leaderElectRetryPeriod (%s)",
			config.OrDefault(c.RenewDeadline, standard.RenewDeadline), config.OrDefault(c.RetryPeriod, standard.RetryPeriod))
	}
	return ps
}

// errLeadershipLost ends the process, since another replica may write from now on.
var errLeadershipLost = errors.New("leadership lost")

// errNotRenewed is errLeadershipLost when no other holder is known.
var errNotRenewed = fmt.Errorf("%w: the Lease could not be renewed in time, so that another replica may lead", errLeadershipLost)

// StandsBy is true if another replica is known to have the Lease. It is false until the first answer, so that a single
// process is not reported as waiting.
func (k *Kube) StandsBy() bool { return k.shared.standsBy.Load() }

// Lead calls lead as soon as this process has the Lease. The context of lead ends when the process no longer has it: at
// once when another holder is read, else when renewing has failed for too long. Lead returns when ctx ends, lead ends,
// or leadership is lost (an error). It always waits until lead has returned. Then it gives the Lease back; a lost Lease
// just expires.
//
// While Lead runs, the leader's parts may write as long as no other replica can lead; see MayWrite.
func (k *Kube) Lead(ctx context.Context, cfg LeaderElection, lead func(context.Context) error) error {
	if !cfg.Enabled {
		k.shared.term.openForEver()
		return lead(ctx)
	}
	// The Lease is renewed until lead has returned. That may be after the end of ctx.
	electorCtx, stopElector := context.WithCancel(context.WithoutCancel(ctx))
	defer stopElector()
	lock, err := k.lock(cfg, stopElector)
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	granted := make(chan context.Context, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, Name: cfg.Name,
		LeaseDuration: cfg.LeaseDuration.Std(), RenewDeadline: cfg.RenewDeadline.Std(), RetryPeriod: cfg.RetryPeriod.Std(),
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) { granted <- leading },
			OnStoppedLeading: func() {},
			OnNewLeader: func(leader string) {
				k.shared.standsBy.Store(leader != lock.Identity())
				if leader != lock.Identity() {
					k.shared.log.Info("standing by", "leader", leader)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		elector.Run(electorCtx)
	}()
	lost := false
	select {
	case <-ctx.Done():
	case leading := <-granted:
		k.shared.standsBy.Store(false)
		k.shared.log.Info("leading", "identity", lock.Identity(), "lease", lock.Describe())
		err = whileBoth(ctx, leading, lead)
		lost = leading.Err() != nil
	}
	stopElector()
	<-stopped
	if lost {
		return errors.Join(cmp.Or(lock.whyLost(), errNotRenewed), err)
	}
	if elector.IsLeader() {
		k.giveBack(ctx, lock, cfg.RenewDeadline.Std())
	}
	return err
}

// lock has an identity that differs from all other processes with the same Lease. Another container may have the same
// host name and process id.
func (k *Kube) lock(cfg LeaderElection, onLost func()) (*lock, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	lease, err := resourcelock.New(resourcelock.LeasesResourceLock, cfg.Namespace, cfg.Name, k.shared.leases.CoreV1(), k.shared.leases.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: fmt.Sprintf("%s_%s", host, uuid.NewUUID())})
	if err != nil {
		return nil, err
	}
	return &lock{Interface: lease, term: k.shared.term, onLost: onLost}, nil
}

// whileBoth calls f with a context that ends with the first of the two.
func whileBoth(ctx, leading context.Context, f func(context.Context) error) error {
	leading, cancel := context.WithCancel(leading)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return f(leading)
}

// giveBack lets another replica lead at once. If it fails, the Lease expires.
//
// When renewing failed, the elector's own release would come before lead has ended.
func (k *Kube) giveBack(ctx context.Context, lock resourcelock.Interface, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	record, _, err := lock.Get(ctx)
	if err == nil && record.HolderIdentity == lock.Identity() {
		now := metav1.Now()
		err = lock.Update(ctx, resourcelock.LeaderElectionRecord{
			LeaderTransitions: record.LeaderTransitions, LeaseDurationSeconds: 1, AcquireTime: now, RenewTime: now,
		})
	}
	if err != nil {
		k.shared.log.Warn("the Lease could not be given back; it runs out by itself", "lease", lock.Describe(), "error", err)
	}
}
