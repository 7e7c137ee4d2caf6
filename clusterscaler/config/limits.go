package config

import (
	"fmt"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// validateLimits checks the bounds of what all nodes have together.
func (c *Config) validateLimits(ps *config.Problems) {
	for _, r := range []struct{ path, text string }{{"coresTotal", c.CoresTotal}, {"memoryTotal", c.MemoryTotal}} {
		if _, err := parseRange(r.text, 1); err != nil {
			ps.Add(r.path, "%v", err)
		}
	}
	first := map[string]int{}
	for i, text := range c.GpuTotal {
		path := fmt.Sprintf("gpuTotal[%d]", i)
		limit, err := parseLimit(text)
		if err != nil {
			ps.Add(path, "%v", err)
			continue
		}
		if j, twice := first[limit.Type]; twice {
			ps.Add(path, "%q is the type of gpuTotal[%d] already", limit.Type, j)
			continue
		}
		first[limit.Type] = i
	}
}

// parseLimit reads TYPE:MIN:MAX.
func parseLimit(text string) (plan.Limit, error) {
	kind, bounds, _ := strings.Cut(text, ":")
	r, err := parseRange(bounds, 1)
	if kind == "" || err != nil {
		return plan.Limit{}, fmt.Errorf("%q is not TYPE:MIN:MAX with whole numbers, 0 <= MIN <= MAX and 0 < MAX, such as nvidia-tesla-t4:0:16", text)
	}
	return plan.Limit{Type: kind, Range: r}, nil
}

// gpus are the bounds in the core's terms.
func (c *Config) gpus() []plan.Limit {
	var out []plan.Limit
	for _, text := range c.GpuTotal {
		limit, _ := parseLimit(text) // the configuration is valid
		out = append(out, limit)
	}
	return out
}
