package clusterscaler

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc"
	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/clusterscaler/kwok"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// The names of the providers.
const (
	providerKwok         = "kwok"
	providerExternalGrpc = "externalgrpc"
)

func providers() []string { return []string{providerKwok, providerExternalGrpc} }

// validateProvider checks that the settings of the chosen provider are there, and those of no other.
func (c *Config) validateProvider(ps *config.Problems) {
	switch external := c.Provider == providerExternalGrpc; {
	case !slices.Contains(providers(), c.Provider):
		ps.Add("provider", "trimtab has no driver for %q; write %s and where the server for that cloud is, or %s, which makes simulated nodes", c.Provider, providerExternalGrpc, providerKwok)
	case external && c.ExternalGrpc == nil:
		ps.Add("externalGrpc", "is required with provider %s: where the server is", providerExternalGrpc)
	case external && len(c.Kwok.Groups) > 0:
		ps.Add("kwok", "is read with provider %s only, and provider is %s: there the server says which groups there are", providerKwok, c.Provider)
	case !external && c.ExternalGrpc != nil:
		ps.Add("externalGrpc", "is read with provider %s only, and provider is %s", providerExternalGrpc, c.Provider)
	}
}

// NoGroups is whether nobody says which groups there are: with the provider kwok they stand in the configuration.
func (c *Config) NoGroups() bool { return c.Provider == providerKwok && len(c.Kwok.Groups) == 0 }

func newProvider(cfg *Config, deps Deps) (Provider, error) {
	switch cfg.Provider {
	case providerKwok:
		return newKwok(cfg, deps), nil
	case providerExternalGrpc:
		return externalgrpc.New(*cfg.ExternalGrpc, externalgrpc.Deps{
			Log: deps.Log, Now: deps.Now, MayWrite: deps.drain().MayWrite, Defaults: cfg.groupOptions(),
			Prices: slices.Contains(cfg.Expander, string(plan.Price)),
		})
	default:
		return nil, fmt.Errorf("provider %q is unknown", cfg.Provider)
	}
}

const suffixLength = 8

func newKwok(cfg *Config, deps Deps) Provider {
	return kwok.New(cfg.Kwok, kwok.Deps{
		Client: deps.drain().Client, Log: deps.Log, Now: deps.Now, MaxNodeDeletionTime: cfg.Policy().MaxNodeDeletionTime,
		Suffix: func() string { return rand.String(suffixLength) },
	})
}

// groupOptions are the settings that a server may have of its own for a group.
func (c *Config) groupOptions() group.Options {
	return group.Options{
		UtilizationThreshold:    &c.ScaleDownUtilizationThreshold,
		GPUUtilizationThreshold: &c.ScaleDownGpuUtilizationThreshold,
		UnneededTime:            &c.ScaleDownUnneededTime,
		UnreadyTime:             &c.ScaleDownUnreadyTime,
		MaxNodeProvisionTime:    &c.MaxNodeProvisionTime,
		MaxNodeStartupTime:      &c.MaxNodeStartupTime,
		IgnoreDaemonSets:        &c.IgnoreDaemonsetsUtilization,
	}
}
