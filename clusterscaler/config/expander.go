package config

import (
	"fmt"
	"net"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

func (c *Config) validateExpander(ps *config.Problems) {
	if len(c.Expander) == 0 {
		ps.Add("expander", "needs at least one of %v", plan.Expanders())
	}
	for i, e := range c.Expander {
		if !slices.Contains(plan.Expanders(), plan.Expander(e)) {
			ps.Add(fmt.Sprintf("expander[%d]", i), "%q is unknown; known: %v", e, plan.Expanders())
		}
	}
}

// validateGrpcExpander checks what the expander grpc needs.
func (c *Config) validateGrpcExpander(ps *config.Problems) {
	if !slices.Contains(c.Expander, string(plan.Ask)) {
		return
	}
	if host, port, err := net.SplitHostPort(c.GrpcExpanderUrl); err != nil || host == "" || port == "" {
		ps.Add("grpcExpanderUrl", "%q is not HOST:PORT, which the expander grpc needs", c.GrpcExpanderUrl)
	}
	if c.GrpcExpanderCert == "" {
		ps.Add("grpcExpanderCert", "is required with the expander grpc: the file of the certificate that vouches for the server")
	}
}
