package migrate

// auditFlags are those of the log of requests that the server itself can write.
func auditFlags() []Flag {
	const instead = "trimtab writes no audit log; the API server's own has each request that comes through it."
	const tunes = "Tunes the audit log, which trimtab does not write."
	flags := []Flag{
		{Name: "audit-policy-file", refused: true, Remark: instead},
		{Name: "audit-log-path", refused: true, Remark: instead},
		{Name: "audit-webhook-config-file", refused: true, Remark: instead},
		{Name: "audit-log-batch-buffer-size", Default: "10000", kind: kindWhole},
		{Name: "audit-log-batch-max-size", Default: "1", kind: kindWhole},
		{Name: "audit-log-batch-max-wait", kind: kindDuration},
		{Name: "audit-log-batch-throttle-burst", kind: kindWhole},
		{Name: "audit-log-batch-throttle-enable", kind: kindBool},
		{Name: "audit-log-batch-throttle-qps", kind: kindNumber},
		{Name: "audit-log-compress", kind: kindBool},
		{Name: "audit-log-format", Default: "json"},
		{Name: "audit-log-maxage", kind: kindWhole},
		{Name: "audit-log-maxbackup", kind: kindWhole},
		{Name: "audit-log-maxsize", kind: kindWhole},
		{Name: "audit-log-mode", Default: "blocking"},
		{Name: "audit-log-truncate-enabled", kind: kindBool},
		{Name: "audit-log-truncate-max-batch-size", Default: "10485760", kind: kindWhole},
		{Name: "audit-log-truncate-max-event-size", Default: "102400", kind: kindWhole},
		{Name: "audit-log-version", Default: "audit.k8s.io/v1"},
		{Name: "audit-webhook-batch-buffer-size", Default: "10000", kind: kindWhole},
		{Name: "audit-webhook-batch-max-size", Default: "400", kind: kindWhole},
		{Name: "audit-webhook-batch-max-wait", Default: "30s", kind: kindDuration},
		{Name: "audit-webhook-batch-throttle-burst", Default: "15", kind: kindWhole},
		{Name: "audit-webhook-batch-throttle-enable", Default: "true", kind: kindBool},
		{Name: "audit-webhook-batch-throttle-qps", Default: "10", kind: kindNumber},
		{Name: "audit-webhook-initial-backoff", Default: "10s", kind: kindDuration},
		{Name: "audit-webhook-mode", Default: "batch"},
		{Name: "audit-webhook-truncate-enabled", kind: kindBool},
		{Name: "audit-webhook-truncate-max-batch-size", Default: "10485760", kind: kindWhole},
		{Name: "audit-webhook-truncate-max-event-size", Default: "102400", kind: kindWhole},
		{Name: "audit-webhook-version", Default: "audit.k8s.io/v1"},
	}
	for i := range flags {
		if flags[i].Remark == "" {
			flags[i].Remark = tunes
		}
	}
	return group(Audit, flags)
}

func otherFlags() []Flag {
	const klog = "A flag of the logging library, which prometheus-adapter no longer knows either. trimtab logs to standard error."
	removed := func(name, preset string, k kind) Flag {
		return Flag{Name: name, Default: preset, kind: k, Known: "before 0.11", Remark: klog}
	}
	return append(group(Profiling, []Flag{
		{Name: "profiling", Default: "true", kind: kindBool, convert: (*conversion).nothing, Remark: "trimtab serves no profiles on this port."},
		{Name: "contention-profiling", kind: kindBool, Remark: "trimtab serves no profiles on this port."},
		{Name: "debug-socket-path", refused: true, Remark: "trimtab serves no profiles on a socket."},
		{Name: "enable-priority-and-fairness", kind: kindBool, refused: true, Remark: "trimtab does not queue requests by priority and fairness."},
	}), group(Logging, []Flag{
		{Name: "v", Setting: "log.level", kind: kindWhole, convert: (*conversion).verbosity,
			Remark: "6 and above, where prometheus-adapter logs each query, is `debug`; below it is `info`, the default."},
		{Name: "vmodule", Remark: "trimtab's log has one level."},
		{Name: "log-flush-frequency", Default: "5s", kind: kindDuration, Remark: "trimtab writes each line at once."},
		removed("logtostderr", "", kindBool),
		removed("alsologtostderr", "", kindBool),
		removed("stderrthreshold", "", kindText),
		removed("log-dir", "", kindText),
		removed("log-file", "", kindText),
		removed("log-file-max-size", "", kindText),
		removed("log-backtrace-at", "", kindText),
		removed("add-dir-header", "", kindBool),
		removed("skip-headers", "", kindBool),
		removed("skip-log-headers", "", kindBool),
		removed("one-output", "", kindBool),
	})...)
}
