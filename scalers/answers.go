package scalers

import (
	"context"
	"errors"
	"time"
)

// Answers is the service that runs on every replica. It waits until the API server serves the kinds of this part, and
// says when ExternalMetric can answer.
type Answers struct{ of *Scalers }

// Answers returns that service. Run, the loop, waits for the kinds that the service finds.
func (s *Scalers) Answers() *Answers { return &Answers{s} }

// Run starts to watch ScaledObjects as soon as the API server serves the kinds of this part. It ends with ctx.
func (a *Answers) Run(ctx context.Context) error {
	ticker := time.NewTicker(kindsEvery)
	defer ticker.Stop()
	for {
		err := a.of.connect()
		if err == nil {
			<-ctx.Done()
			return nil
		}
		if !errors.Is(err, errKindsMissing) {
			a.of.log.Warn("scalers cannot begin", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Ready is nil once the ScaledObjects are known, or the API server does not serve them.
func (a *Answers) Ready() error {
	if objects := a.of.objects.Load(); objects != nil && !(*objects).HasSynced() {
		return errors.New("waits for the first list of ScaledObjects")
	}
	return nil
}
