package scalers

import (
	"log/slog"

	"github.com/trimtab/trimtab/scalers/source/cron"
	"github.com/trimtab/trimtab/scalers/source/prometheus"
	"github.com/trimtab/trimtab/scalers/source/redis"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// sources are the trigger types that this part reads. The HPA itself reads cpu and memory.
func sources(env trigger.Env) sourceMap {
	return sourceMap{
		"cron":       cron.New(env),
		"prometheus": prometheus.New(env),
		"redis":      redis.New(env),
	}
}

// environment is what cfg says to the sources. log may be nil.
func environment(cfg Config, log *slog.Logger) trigger.Env {
	return trigger.Env{
		Timeout: cfg.HTTPDefaultTimeout.Std(), MaxBytes: cfg.Sources.MaxResponseBytes, MaxReadings: cfg.MaxReadings, Policy: cfg.Sources.policy(), Log: log,
	}
}
