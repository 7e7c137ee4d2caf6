package vpa

import "github.com/trimtab/trimtab/vpa/recommender"

// Config is the section `vpa`: a section for each of its services.
type Config struct {
	// Recommender runs wherever the configuration has the section vpa.
	Recommender recommender.Config `yaml:"recommender"`
}

// SetDefaults fills in the defaults of the services.
func (c *Config) SetDefaults() { c.Recommender.SetDefaults() }
