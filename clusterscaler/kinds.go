package clusterscaler

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// kindsEvery is how often the API server is asked again for kinds that it does not serve.
const kindsEvery = 5 * time.Minute

// askKinds asks which of the optional kinds the API server does not serve, and says so where that has changed.
func (c *ClusterScaler) askKinds() error {
	missing, err := sharedkube.Missing(c.deps.Kube.Mapper, kube.Optional()...)
	if err != nil {
		return err
	}
	before := c.missing.Swap(&missing)
	switch {
	case before == nil && len(missing) == 0, before != nil && slices.Equal(*before, missing):
	case len(missing) == 0:
		c.deps.Log.Info("the API server serves all kinds of volumes and devices now")
	default:
		names := make([]string, len(missing))
		for i, kind := range missing {
			names[i] = kind.Kind + "." + kind.GroupVersion().String()
		}
		c.deps.Log.Warn("the API server does not serve some kinds of volumes and devices; pods that need them are neither given a node nor moved", "kinds", names)
	}
	return nil
}

// awaitKinds asks again until the API server serves all of them.
func (c *ClusterScaler) awaitKinds(ctx context.Context) error {
	ticker := time.NewTicker(kindsEvery)
	defer ticker.Stop()
	for len(*c.missing.Load()) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := c.askKinds(); err != nil {
			c.deps.Log.Warn("the API server could not be asked for its kinds", "error", err)
		}
	}
	return nil
}

// isMissing says whether the API server does not serve a kind, as far as is known.
func (c *ClusterScaler) isMissing(kind string) bool {
	missing := c.missing.Load()
	return missing != nil && slices.ContainsFunc(*missing, func(m schema.GroupVersionKind) bool { return m.Kind == kind })
}
