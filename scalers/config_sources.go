package scalers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/fetch"
)

// sourcesKey is the path of Sources in the configuration, for errors of triggers.
const sourcesKey = "scalers.sources"

// SourcesConfig is the section `scalers.sources`: which servers triggers may use, and how much is read from them. Users
// who may create ScaledObjects choose the servers; here the operator limits that choice. The limits do not apply to
// servers that the configuration itself names.
type SourcesConfig struct {
	// AllowedHosts are host names, `*.` with a suffix, or IP addresses, without a port. Default none: all hosts are
	// allowed.
	AllowedHosts []string `yaml:"allowedHosts"`
	// AllowedSchemes may contain amqp, amqps, grpc, grpcs, http, https, kafka, kafkas, redis and rediss; those with an s
	// at the end are with TLS. Default none: all are allowed.
	AllowedSchemes []string `yaml:"allowedSchemes"`
	// AllowedNetworks are networks (10.1.0.0/16) or addresses that are allowed although another setting or a default
	// refuses them. Default none.
	AllowedNetworks []string `yaml:"allowedNetworks"`
	// RefusedNetworks are refused in addition to the defaults: loopback, link-local, clouds' metadata, multicast and
	// the unspecified address. Default none.
	RefusedNetworks []string `yaml:"refusedNetworks"`
	// MaxResponseBytes bounds a decompressed answer. Default 1 MiB: a trigger needs one number.
	MaxResponseBytes int64 `yaml:"maxResponseBytes"`
}

// SetDefaults fills in the values documented at the fields.
func (c *SourcesConfig) SetDefaults() { c.MaxResponseBytes = 1 << 20 }

// Validate checks what the types cannot.
func (c *SourcesConfig) Validate() config.Problems {
	var ps config.Problems
	for i, host := range c.AllowedHosts {
		if wrong := wrongHost(host); wrong != "" {
			ps.Add(fmt.Sprintf("allowedHosts[%d]", i), "%.80q %s", host, wrong)
		}
	}
	for i, scheme := range c.AllowedSchemes {
		if known := []string{"amqp", "amqps", "grpc", "grpcs", "http", "https", "kafka", "kafkas", "redis", "rediss"}; !slices.Contains(known, scheme) {
			ps.Add(fmt.Sprintf("allowedSchemes[%d]", i), "%.20q is not one of %s", scheme, strings.Join(known, ", "))
		}
	}
	for _, list := range []struct {
		key      string
		networks []string
	}{{"allowedNetworks", c.AllowedNetworks}, {"refusedNetworks", c.RefusedNetworks}} {
		for i, text := range list.networks {
			if _, err := parseNetwork(text); err != nil {
				ps.Add(fmt.Sprintf("%s[%d]", list.key, i), "%.80q is not a network such as 10.1.0.0/16 or fd00:1::/32, nor an IP address", text)
			}
		}
	}
	config.Between(&ps, "maxResponseBytes", c.MaxResponseBytes, 1<<10, 1<<30) // each reading may have as many
	return ps
}

// wrongHost says what is wrong with an entry of AllowedHosts.
func wrongHost(host string) string {
	name := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	switch {
	case strings.ContainsAny(name, "/:@[]"):
		return "is not a host name: write it without scheme, port and path"
	case strings.Contains(name, "*"):
		return "has a * that is not followed by a dot at its begin; write *.example.com for all names below example.com"
	case name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.ContainsAny(name, " \t"):
		return "is not a host name"
	case name != strings.ToLower(name) || strings.ContainsFunc(name, func(r rune) bool { return r > '~' }):
		return "must be in small letters and ASCII (xn--...), as names are compared"
	}
	return ""
}

// parseNetwork reads a network, or an address as a network with only this address.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

// policy makes the fetch.Policy of validated settings.
func (c *SourcesConfig) policy() *fetch.Policy {
	networks := func(texts []string) []netip.Prefix {
		var all []netip.Prefix
		for _, text := range texts {
			if network, err := parseNetwork(text); err == nil {
				all = append(all, network)
			}
		}
		return all
	}
	return &fetch.Policy{
		Key: sourcesKey, Hosts: c.AllowedHosts, Schemes: c.AllowedSchemes,
		Allowed: networks(c.AllowedNetworks), Refused: networks(c.RefusedNetworks),
	}
}
