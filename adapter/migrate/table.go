package migrate

import "slices"

// Flags lists the flags of prometheus-adapter v0.12.0 and those of older versions that its manifests may
// still hold, in the order of the page, which is the order in which settings and notes are given.
func Flags() []Flag {
	return slices.Concat(prometheusFlags(), discoveryFlags(), kubernetesFlags(), servingFlags(), authFlags(), auditFlags(), otherFlags())
}

func prometheusFlags() []Flag {
	return group(Prometheus, []Flag{
		{Name: "prometheus-url", Default: "https://localhost", Setting: "prometheus.url", always: true, secretive: true, convert: (*conversion).url,
			Remark: "A user in the URL becomes `prometheus.basicAuth`, with the password in a file. The URL's parameters are sent with each request; with GET prometheus-adapter drops them."},
		{Name: "prometheus-verb", Default: "GET", Setting: "prometheus.verb", convert: (*conversion).verb,
			Remark: "Where it is not given, trimtab's own default stays: POST ([d-post](#d-post))."},
		{Name: "prometheus-header", Setting: "prometheus.headers", kind: kindRepeated, secretive: true, convert: (*conversion).headers,
			Remark: "`Authorization` becomes `basicAuth` or `bearerTokenFile`, with the secret in a file. A tenant of its own for each namespace: `prometheus.tenant`."},
		{Name: "prometheus-auth-incluster", Setting: "prometheus.bearerTokenFile", kind: kindBool, convert: (*conversion).inCluster,
			Remark: "The service account's token, and its CA as `prometheus.tls.caFile`. Without effect beside `--prometheus-ca-file`, as in prometheus-adapter."},
		{Name: "prometheus-auth-config", convert: (*conversion).authConfig, refused: true,
			Remark: "No kubeconfig is read for Prometheus; write what its user and cluster hold in `prometheus.tls`, `bearerTokenFile` or `basicAuth`. Without effect beside `--prometheus-ca-file`, as in prometheus-adapter."},
		{Name: "prometheus-ca-file", Setting: "prometheus.tls.caFile", convert: (*conversion).mounted, Remark: "Read again when it changes."},
		{Name: "prometheus-client-tls-cert-file", Setting: "prometheus.tls.certFile", convert: (*conversion).clientCertificate,
			Remark: "Read again when it changes. Not taken without `--prometheus-ca-file`, since prometheus-adapter does not use it then."},
		{Name: "prometheus-client-tls-key-file", Setting: "prometheus.tls.keyFile", convert: (*conversion).clientCertificate, Remark: "As the certificate."},
		{Name: "prometheus-token-file", Setting: "prometheus.bearerTokenFile", convert: (*conversion).token,
			Remark: "Read again when it changes; space around the token is taken off. Not taken beside a user in the URL, which prometheus-adapter sends instead."},
	})
}

func discoveryFlags() []Flag {
	return group(Discovery, []Flag{
		{Name: "config", Setting: "adapter.rules", always: true, convert: (*conversion).rules,
			Remark: "The rules of the ConfigMap stand in the section `adapter` (`rules`, `externalRules`, `resourceRules`). With `--rules-file`, or where only flags are known: `adapter.rulesFile`."},
		{Name: "metrics-relist-interval", Default: "10m0s", Setting: "adapter.metricsRelistInterval", kind: kindDuration, always: true, convert: (*conversion).relist,
			Remark: "Its default is written too, since trimtab's is 1m ([d-relist](#d-relist)). Take the line out to have new metrics after a minute."},
		{Name: "metrics-max-age", Setting: "adapter.metricsMaxAge", kind: kindDuration, convert: (*conversion).maxAge,
			Remark: "Where it is not given, trimtab's own default stays: 5m, or the relist interval where that is longer ([d-max-age](#d-max-age))."},
	})
}

func kubernetesFlags() []Flag {
	return group(Kubernetes, []Flag{
		{Name: "lister-kubeconfig", Setting: "kubernetes.kubeconfig", convert: (*conversion).mounted, Remark: "All parts of trimtab use it, for authentication and authorization too."},
		{Name: "client-qps", Default: "5", Setting: "kubernetes.kubeClientQps", kind: kindNumber, convert: (*conversion).limit,
			Remark: "Reads come from watches and do not count. Without it trimtab's own default stays: 50. 0 is the default, and a negative number no limit, which trimtab has not: it is not taken."},
		{Name: "client-burst", Default: "10", Setting: "kubernetes.kubeClientBurst", kind: kindWhole, convert: (*conversion).limit, Remark: "As `--client-qps`; trimtab's default is 100."},
		{Name: "discovery-interval", kind: kindDuration, Remark: "Without effect in prometheus-adapter. trimtab knows a new kind when it is first asked for."},
	})
}

func servingFlags() []Flag {
	return group(Serving, []Flag{
		{Name: "secure-port", Default: "443", Setting: "adapter.securePort", kind: kindWhole, always: true, convert: (*conversion).port,
			Remark: "Its default is written too, since trimtab's is 6443. 0, which serves nothing, cannot be done."},
		{Name: "bind-address", Default: "0.0.0.0", Setting: "adapter.bindAddress", kind: kindAddress},
		{Name: "cert-dir", Default: "apiserver.local.config/certificates", Setting: "adapter.tlsCertFile", convert: (*conversion).certDir,
			Remark: "Where a volume other than an emptyDir is mounted there: its `apiserver.crt` and `apiserver.key`. Otherwise nothing: trimtab signs a certificate for itself in memory and writes no file."},
		{Name: "tls-cert-file", Setting: "adapter.tlsCertFile", convert: (*conversion).mounted, Remark: "Read again when it changes."},
		{Name: "tls-private-key-file", Setting: "adapter.tlsPrivateKeyFile", convert: (*conversion).mounted, Remark: "Read again when it changes."},
		{Name: "tls-min-version", Setting: "adapter.tlsMinVersion", convert: (*conversion).minVersion, Remark: "TLS 1.0 and 1.1 are not taken; 1.2 is the default of both programs."},
		{Name: "tls-cipher-suites", Setting: "adapter.tlsCipherSuites", kind: kindList, convert: (*conversion).cipherSuites, Remark: "TLS 1.3 has its own, which cannot be chosen, in both programs."},
		{Name: "tls-sni-cert-key", Default: "[]", kind: kindRepeated, refused: true, Remark: "One certificate is served; the API server calls by one name, that of the Service."},
		{Name: "disable-http2", Setting: "adapter.disableHttp2", kind: kindBool, Remark: "Of the served APIs."},
		{Name: "disable-http2-serving", kind: kindBool, Known: "after 0.12", Remark: "Without effect in prometheus-adapter, where `--disable-http2` decides."},
		{Name: "tls-curve-preferences", kind: kindList, Known: "after 0.12", refused: true, Remark: "Go's own order stays."},
		{Name: "http2-max-streams-per-connection", kind: kindWhole, Remark: "Go's default stays, 250 streams."},
		{Name: "permit-address-sharing", kind: kindBool, refused: true, Remark: "The port is bound by one process."},
		{Name: "permit-port-sharing", kind: kindBool, refused: true, Remark: "The port is bound by one process; with `hostNetwork` let one replica run on a node."},
	})
}

func authFlags() []Flag {
	const published = "trimtab takes it from the ConfigMap kube-system/extension-apiserver-authentication, where the API server publishes it. Take the flag out if it says the same."
	return slices.Concat(group(Authentication, []Flag{
		{Name: "authentication-kubeconfig", convert: (*conversion).sameKubeconfig, refused: true, Remark: "Taken as done where it is the file of `--lister-kubeconfig`: trimtab has one kubeconfig."},
		{Name: "authentication-skip-lookup", kind: kindBool, refused: true, Remark: "trimtab always reads the ConfigMap kube-system/extension-apiserver-authentication; it needs the Role extension-apiserver-authentication-reader."},
		{Name: "authentication-tolerate-lookup-failure", kind: kindBool, Remark: "trimtab does not start without that ConfigMap: it would refuse the API server itself."},
		{Name: "authentication-token-webhook-cache-ttl", Default: "10s", kind: kindDuration, Remark: "trimtab believes an answer for 10s."},
		{Name: "client-ca-file", refused: true, Remark: published},
		{Name: "requestheader-client-ca-file", refused: true, Remark: published},
		{Name: "requestheader-allowed-names", kind: kindList, refused: true, Remark: published},
		{Name: "requestheader-username-headers", Default: "x-remote-user", kind: kindList, refused: true, Remark: published},
		{Name: "requestheader-uid-headers", kind: kindList, Known: "after 0.12", refused: true, Remark: published},
		{Name: "requestheader-group-headers", Default: "x-remote-group", kind: kindList, refused: true, Remark: published},
		{Name: "requestheader-extra-headers-prefix", Default: "x-remote-extra-", kind: kindList, refused: true, Remark: published},
	}), group(Authorization, []Flag{
		{Name: "authorization-kubeconfig", convert: (*conversion).sameKubeconfig, refused: true, Remark: "Taken as done where it is the file of `--lister-kubeconfig`: trimtab has one kubeconfig."},
		{Name: "authorization-always-allow-paths", Default: "/healthz,/readyz,/livez", kind: kindList, convert: (*conversion).openPaths, refused: true,
			Remark: "The three health paths are open in trimtab too, and `/metrics` is, on the port of `server.address`. Other paths cannot be opened."},
		{Name: "authorization-webhook-cache-authorized-ttl", Default: "10s", Setting: "adapter.authorizationWebhookCacheAuthorizedTtl", kind: kindDuration},
		{Name: "authorization-webhook-cache-unauthorized-ttl", Default: "10s", kind: kindDuration, Remark: "trimtab believes a refusal for 10s."},
	}))
}

// group puts the flags into a group, and gives those without a conversion of their own the usual one.
func group(g Group, flags []Flag) []Flag {
	for i := range flags {
		f := &flags[i]
		f.Group = g
		switch {
		case f.convert != nil:
		case f.refused:
			f.convert = (*conversion).refuse
		case f.Setting == "":
			f.convert = (*conversion).drop
		default:
			f.convert = (*conversion).take
		}
	}
	return flags
}
