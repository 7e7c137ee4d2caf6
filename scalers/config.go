package scalers

import (
	"time"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers/spec"
)

// Config is the section `scalers` of the configuration file.
type Config struct {
	// PollingInterval is the time between two polls of a ScaledObject that does not set one. Default 30s.
	PollingInterval config.Duration `yaml:"pollingInterval"`
	// CooldownPeriod is how long no trigger may have been active before a ScaledObject scales to zero, if the object
	// does not set one. Default 300s.
	CooldownPeriod config.Duration `yaml:"cooldownPeriod"`
	// HTTPDefaultTimeout bounds one reading if its trigger sets no timeout. Default 3s. Mirrors
	// KEDA_HTTP_DEFAULT_TIMEOUT, which is in milliseconds.
	HTTPDefaultTimeout config.Duration `yaml:"httpDefaultTimeout"`
	// MaxReconciles is how many ScaledObjects are checked, decided and scaled at the same time, and how many statuses
	// are written at the same time. One namespace gets at most a third of each. Default 20. Mirrors
	// KEDA_SCALEDOBJECT_CTRL_MAX_RECONCILES, which is 5 there and does not bound the polls.
	MaxReconciles int `yaml:"maxReconciles"`
	// MaxReadings is how many ScaledObjects, and how many triggers, are read at the same time. One namespace gets at
	// most a third. Default 200.
	MaxReadings int `yaml:"maxReadings"`
	// MaxTriggerTimeout bounds one reading, whatever timeout its trigger sets. Default 30s: half of the API server's
	// time-out for an HPA's request.
	MaxTriggerTimeout config.Duration `yaml:"maxTriggerTimeout"`
	// MinPollingInterval is the shortest time between two polls of a ScaledObject, whatever the object sets. Default
	// 1s.
	MinPollingInterval config.Duration `yaml:"minPollingInterval"`
	// MaxTriggers is how many triggers a ScaledObject may have. Default 100.
	MaxTriggers int `yaml:"maxTriggers"`
	// MaxTriggerParameters is how many keys the metadata of a trigger may have. MaxTriggerBytes is the total length of
	// its keys and values, and of the values of its TriggerAuthentication. Defaults 100 and 65536.
	MaxTriggerParameters int `yaml:"maxTriggerParameters"`
	MaxTriggerBytes      int `yaml:"maxTriggerBytes"`
	// MetricMaxAge is the maximum age of a reading that answers an HPA. An older one is read again first. For a trigger
	// with useCachedMetrics it is two polling intervals. Default 15s, the HPA's own period.
	MetricMaxAge config.Duration `yaml:"metricMaxAge"`
	// AuthRefreshInterval is how often the secrets of a trigger are read again. They are also read after a failed
	// reading. Default 5m.
	AuthRefreshInterval config.Duration `yaml:"authRefreshInterval"`
	// Sources says which servers triggers may use.
	Sources SourcesConfig `yaml:"sources"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	c.PollingInterval = config.Duration(30 * time.Second)
	c.CooldownPeriod = config.Duration(300 * time.Second)
	c.HTTPDefaultTimeout = config.Duration(3 * time.Second)
	c.MaxReconciles, c.MaxReadings = 20, 200
	c.MaxTriggerTimeout = config.Duration(30 * time.Second)
	c.MinPollingInterval = config.Duration(time.Second)
	c.MaxTriggers, c.MaxTriggerParameters, c.MaxTriggerBytes = 100, 100, 64<<10
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
		{"minPollingInterval", c.MinPollingInterval, time.Millisecond},
		{"maxTriggerTimeout", c.MaxTriggerTimeout, time.Millisecond},
		{"httpDefaultTimeout", c.HTTPDefaultTimeout, time.Millisecond},
		{"metricMaxAge", c.MetricMaxAge, time.Millisecond},
		{"authRefreshInterval", c.AuthRefreshInterval, time.Second},
	} {
		if f.value.Std() < f.least {
			ps.Add(f.path, "%s is below %s", f.value, f.least)
		}
	}
	var standard Config
	standard.SetDefaults()
	if c.PollingInterval >= config.Duration(time.Second) && c.PollingInterval < c.MinPollingInterval {
		ps.Add("pollingInterval", "%s is below minPollingInterval, %s; lower that, or raise this", config.OrDefault(c.PollingInterval, standard.PollingInterval), config.OrDefault(c.MinPollingInterval, standard.MinPollingInterval))
	}
	if c.HTTPDefaultTimeout > c.MaxTriggerTimeout {
		ps.Add("httpDefaultTimeout", "%s is above maxTriggerTimeout, %s; raise that, or lower this", config.OrDefault(c.HTTPDefaultTimeout, standard.HTTPDefaultTimeout), config.OrDefault(c.MaxTriggerTimeout, standard.MaxTriggerTimeout))
	}
	// The work of each at the same time is a goroutine, and a reading is a connection.
	config.Between(&ps, "maxReconciles", c.MaxReconciles, 1, 10_000)
	config.Between(&ps, "maxReadings", c.MaxReadings, 1, 100_000)
	// A trigger is text of an API object, which has at most about a megabyte.
	config.Between(&ps, "maxTriggers", c.MaxTriggers, 1, 100_000)
	config.Between(&ps, "maxTriggerParameters", c.MaxTriggerParameters, 1, 100_000)
	config.Between(&ps, "maxTriggerBytes", c.MaxTriggerBytes, 1, 16<<20)
	return ps
}

func (c *Config) defaults() spec.Defaults {
	return spec.Defaults{PollingInterval: c.PollingInterval.Std(), Cooldown: c.CooldownPeriod.Std(), Limits: spec.Limits{
		PollingInterval: c.MinPollingInterval.Std(), Triggers: c.MaxTriggers, Parameters: c.MaxTriggerParameters, Bytes: c.MaxTriggerBytes,
	}}
}
