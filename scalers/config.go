package scalers

import (
	"time"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers/spec"
)

// Config is the section `scalers` of the configuration file.
type Config struct {
	// PollingInterval is the time between two polls of a ScaledObject that names none. Default 30s.
	PollingInterval config.Duration `yaml:"pollingInterval"`
	// CooldownPeriod is how long no trigger may have been active before a ScaledObject that names no
	// period scales to zero. Default 300s.
	CooldownPeriod config.Duration `yaml:"cooldownPeriod"`
	// HTTPDefaultTimeout bounds one reading of a source whose trigger names no timeout. Default 3s.
	// Mirrors KEDA_HTTP_DEFAULT_TIMEOUT, which counts milliseconds.
	HTTPDefaultTimeout config.Duration `yaml:"httpDefaultTimeout"`
	// MaxReconciles is how many ScaledObjects are polled at the same time. Default 20. Mirrors
	// KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES, which is 5 there and does not bound the polls.
	MaxReconciles int `yaml:"maxReconciles"`
	// MetricMaxAge is how old a reading may be that answers an HPA; an older one is read again first.
	// A trigger with useCachedMetrics may be two polling intervals old. Default 15s, the HPA's own period.
	MetricMaxAge config.Duration `yaml:"metricMaxAge"`
	// AuthRefreshInterval is how often the secrets of a trigger are read again; they also are after a
	// reading that failed. Default 5m.
	AuthRefreshInterval config.Duration `yaml:"authRefreshInterval"`
	// Sources says where triggers may lead.
	Sources SourcesConfig `yaml:"sources"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.PollingInterval = config.Duration(30 * time.Second)
	c.CooldownPeriod = config.Duration(300 * time.Second)
	c.HTTPDefaultTimeout = config.Duration(3 * time.Second)
	c.MaxReconciles = 20
	c.MetricMaxAge = config.Duration(15 * time.Second)
	c.AuthRefreshInterval = config.Duration(5 * time.Minute)
	c.Sources.SetDefaults()
}

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	for _, f := range []struct {
		path  string
		value config.Duration
		least time.Duration
	}{
		{"pollingInterval", c.PollingInterval, time.Second},
		{"httpDefaultTimeout", c.HTTPDefaultTimeout, time.Millisecond},
		{"metricMaxAge", c.MetricMaxAge, time.Millisecond},
		{"authRefreshInterval", c.AuthRefreshInterval, time.Second},
	} {
		if f.value.Std() < f.least {
			ps.Add(f.path, "%s is below %s", f.value, f.least)
		}
	}
	if c.MaxReconciles < 1 {
		ps.Add("maxReconciles", "%d is below 1", c.MaxReconciles)
	}
	return ps
}

func (c *Config) defaults() spec.Defaults {
	return spec.Defaults{PollingInterval: c.PollingInterval.Std(), Cooldown: c.CooldownPeriod.Std()}
}
