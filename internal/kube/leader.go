package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/trimtab/trimtab/internal/config"
)

// LeaderElection decides which replica runs the loops that write. The metrics APIs are served by all.
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

// Validate checks what the types cannot.
func (c *LeaderElection) Validate() config.Problems {
	var ps config.Problems
	if c.Enabled && (c.LeaseDuration <= c.RenewDeadline || c.RenewDeadline <= c.RetryPeriod+c.RetryPeriod/5) {
		ps.Add("leaderElectLeaseDuration", "leaseDuration must be longer than renewDeadline, and that 1.2 times longer than retryPeriod")
	}
	return ps
}

// errLeadershipLost ends the process: another replica writes from now on.
var errLeadershipLost = errors.New("leadership lost: the Lease could not be renewed in time; another replica leads")

// StandsBy says whether another replica holds the Lease, as far as is known. It is false until the
// first answer, so that a process that starts alone is not taken for one that waits its turn.
func (k *Kube) StandsBy() bool { return k.standsBy.Load() }

// Lead calls lead as soon as this process holds the Lease, with a context that ends when it no longer
// does. It returns when ctx ends (nil, the Lease given back) or leadership is lost (an error).
// lead has returned before the Lease is given back.
func (k *Kube) Lead(ctx context.Context, cfg LeaderElection, lead func(context.Context) error) error {
	if !cfg.Enabled {
		return lead(ctx)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	identity := fmt.Sprintf("%s_%d", host, os.Getpid())
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, cfg.Namespace, cfg.Name,
		k.clientset.CoreV1(), k.clientset.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: identity})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	// The elector gives the Lease back as soon as its context ends; it must not before lead is done.
	electorCtx, stopElector := context.WithCancel(context.WithoutCancel(ctx))
	defer stopElector()
	done := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, Name: cfg.Name, ReleaseOnCancel: true,
		LeaseDuration: cfg.LeaseDuration.Std(), RenewDeadline: cfg.RenewDeadline.Std(), RetryPeriod: cfg.RetryPeriod.Std(),
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				k.log.Info("leading", "identity", identity, "lease", cfg.Namespace+"/"+cfg.Name)
				leading, cancel := context.WithCancel(leading)
				defer cancel()
				defer context.AfterFunc(ctx, cancel)()
				done <- lead(leading)
				stopElector()
			},
			OnStoppedLeading: func() {},
			OnNewLeader: func(leader string) {
				k.standsBy.Store(leader != identity)
				if leader != identity {
					k.log.Info("standing by", "leader", leader)
				}
			},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	defer context.AfterFunc(ctx, func() {
		if !elector.IsLeader() {
			stopElector() // nothing to wait for
		}
	})()
	elector.Run(electorCtx)
	select {
	case err := <-done:
		return err
	default:
	}
	if ctx.Err() != nil {
		return nil
	}
	return errLeadershipLost
}
