package clusterscaler

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc"
	"github.com/trimtab/trimtab/clusterscaler/kwok"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// newProvider makes the driver that the configuration names.
func newProvider(cfg *config.Config, deps Deps) (Provider, error) {
	switch cfg.Provider {
	case config.ProviderKwok:
		return newKwok(cfg, deps), nil
	case config.ProviderExternalGrpc:
		return externalgrpc.New(*cfg.ExternalGrpc, externalgrpc.Deps{
			Log: deps.Log, Now: deps.Now, MayWrite: deps.drain().MayWrite, Defaults: cfg.GroupOptions(),
			Prices: slices.Contains(cfg.Expander, string(plan.Price)),
		})
	default:
		return nil, fmt.Errorf("provider %q is unknown", cfg.Provider)
	}
}

const suffixLength = 8

func newKwok(cfg *config.Config, deps Deps) Provider {
	return kwok.New(cfg.Kwok, kwok.Deps{
		Client: deps.drain().Client, Log: deps.Log, Now: deps.Now, MaxNodeDeletionTime: cfg.Policy().MaxNodeDeletionTime,
		Suffix: func() string { return rand.String(suffixLength) },
	})
}
