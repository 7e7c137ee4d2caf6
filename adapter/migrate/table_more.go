package migrate

import "github.com/trimtab/trimtab/internal/migration"

// auditFlags are the flags of the server's audit log.
func auditFlags() []migration.Flag {
	const instead = "trimtab writes no audit log; the API server's own has each request that comes through it."
	const tunes = "Tunes the audit log, which trimtab does not write."
	flags := []migration.Flag{
		{Name: "audit-policy-file", Refused: true, Remark: instead},
		{Name: "audit-log-path", Refused: true, Remark: instead},
		{Name: "audit-webhook-config-file", Refused: true, Remark: instead},
		{Name: "audit-log-batch-buffer-size", Default: "10000", Kind: migration.Whole},
		{Name: "audit-log-batch-max-size", Default: "1", Kind: migration.Whole},
		{Name: "audit-log-batch-max-wait", Kind: migration.Duration},
		{Name: "audit-log-batch-throttle-burst", Kind: migration.Whole},
		{Name: "audit-log-batch-throttle-enable", Kind: migration.Bool},
		{Name: "audit-log-batch-throttle-qps", Kind: migration.Number},
		{Name: "audit-log-compress", Kind: migration.Bool},
		{Name: "audit-log-format", Default: "json"},
		{Name: "audit-log-maxage", Kind: migration.Whole},
		{Name: "audit-log-maxbackup", Kind: migration.Whole},
		{Name: "audit-log-maxsize", Kind: migration.Whole},
		{Name: "audit-log-mode", Default: "blocking"},
		{Name: "audit-log-truncate-enabled", Kind: migration.Bool},
		{Name: "audit-log-truncate-max-batch-size", Default: "10485760", Kind: migration.Whole},
		{Name: "audit-log-truncate-max-event-size", Default: "102400", Kind: migration.Whole},
		{Name: "audit-log-version", Default: "audit.k8s.io/v1"},
		{Name: "audit-webhook-batch-buffer-size", Default: "10000", Kind: migration.Whole},
		{Name: "audit-webhook-batch-max-size", Default: "400", Kind: migration.Whole},
		{Name: "audit-webhook-batch-max-wait", Default: "30s", Kind: migration.Duration},
		{Name: "audit-webhook-batch-throttle-burst", Default: "15", Kind: migration.Whole},
		{Name: "audit-webhook-batch-throttle-enable", Default: "true", Kind: migration.Bool},
		{Name: "audit-webhook-batch-throttle-qps", Default: "10", Kind: migration.Number},
		{Name: "audit-webhook-initial-backoff", Default: "10s", Kind: migration.Duration},
		{Name: "audit-webhook-mode", Default: "batch"},
		{Name: "audit-webhook-truncate-enabled", Kind: migration.Bool},
		{Name: "audit-webhook-truncate-max-batch-size", Default: "10485760", Kind: migration.Whole},
		{Name: "audit-webhook-truncate-max-event-size", Default: "102400", Kind: migration.Whole},
		{Name: "audit-webhook-version", Default: "audit.k8s.io/v1"},
	}
	for i := range flags {
		if flags[i].Remark == "" {
			flags[i].Remark = tunes
		}
	}
	return migration.InGroup(audit, flags)
}

func otherFlags() []migration.Flag {
	const klog = "A flag of the logging library, which prometheus-adapter no longer knows either. trimtab logs to standard error."
	removed := func(name, preset string, k migration.Kind) migration.Flag {
		return migration.Flag{Name: name, Default: preset, Kind: k, Known: "before 0.11", Remark: klog}
	}
	return append(migration.InGroup(profiling, []migration.Flag{
		{Name: "profiling", Default: "true", Kind: migration.Bool, Convert: migration.Nothing, Remark: "trimtab serves no profiles on this port."},
		{Name: "contention-profiling", Kind: migration.Bool, Remark: "trimtab serves no profiles on this port."},
		{Name: "debug-socket-path", Refused: true, Remark: "trimtab serves no profiles on a socket."},
		{Name: "enable-priority-and-fairness", Kind: migration.Bool, Refused: true, Remark: "trimtab does not queue requests by priority and fairness."},
	}), migration.InGroup(logging, []migration.Flag{
		{Name: "v", Setting: "log.level", Kind: migration.Whole, Convert: verbosity,
			Remark: "6 and above, where prometheus-adapter logs each query, is `debug`; below it is `info`, the default."},
		{Name: "vmodule", Remark: "trimtab's log has one level."},
		{Name: "log-flush-frequency", Default: "5s", Kind: migration.Duration, Remark: "trimtab writes each line at once."},
		removed("logtostderr", "", migration.Bool),
		removed("alsologtostderr", "", migration.Bool),
		removed("stderrthreshold", "", migration.Text),
		removed("log-dir", "", migration.Text),
		removed("log-file", "", migration.Text),
		removed("log-file-max-size", "", migration.Text),
		removed("log-backtrace-at", "", migration.Text),
		removed("add-dir-header", "", migration.Bool),
		removed("skip-headers", "", migration.Bool),
		removed("skip-log-headers", "", migration.Bool),
		removed("one-output", "", migration.Bool),
	})...)
}
