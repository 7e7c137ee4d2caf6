package config

import (
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/config"
)

// The names of the providers.
const (
	ProviderKwok         = "kwok"
	ProviderExternalGrpc = "externalgrpc"
)

func providers() []string { return []string{ProviderKwok, ProviderExternalGrpc} }

// validateProvider checks that the settings of the chosen provider are there, and those of no other.
func (c *Config) validateProvider(ps *config.Problems) {
	switch external := c.Provider == ProviderExternalGrpc; {
	case !slices.Contains(providers(), c.Provider):
		ps.Add("provider", "trimtab has no driver for %q; write %s and where the server for that cloud is, or %s, which makes simulated nodes", c.Provider, ProviderExternalGrpc, ProviderKwok)
	case external && c.ExternalGrpc == nil:
		ps.Add("externalGrpc", "is required with provider %s: where the server is", ProviderExternalGrpc)
	case external && len(c.Kwok.Groups) > 0:
		ps.Add("kwok", "is read with provider %s only, and provider is %s: there the server says which groups there are", ProviderKwok, c.Provider)
	case !external && c.ExternalGrpc != nil:
		ps.Add("externalGrpc", "is read with provider %s only, and provider is %s", ProviderExternalGrpc, config.OrDefault(c.Provider, ProviderKwok))
	}
}

// NoGroups is whether nobody says which groups there are: with the provider kwok they stand in the configuration.
func (c *Config) NoGroups() bool { return c.Provider == ProviderKwok && len(c.Kwok.Groups) == 0 }

// GroupOptions are the settings that a server may have of its own for a group, as they hold for a group without any.
func (c *Config) GroupOptions() group.Options {
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
