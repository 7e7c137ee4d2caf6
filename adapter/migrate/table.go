package migrate

import (
	"slices"

	"github.com/trimtab/trimtab/internal/migration"
)

// The groups of flags, which are headings of the generated page.
const (
	prometheus     migration.Group = "Prometheus"
	discovery      migration.Group = "Rules and discovery"
	kubernetes     migration.Group = "Kubernetes API"
	serving        migration.Group = "Serving"
	authentication migration.Group = "Authentication"
	authorization  migration.Group = "Authorization"
	audit          migration.Group = "Audit"
	profiling      migration.Group = "Profiling"
	logging        migration.Group = "Logging"
)

func flags(o Options) []migration.Flag {
	return slices.Concat(prometheusFlags(), discoveryFlags(o), kubernetesFlags(), servingFlags(), authFlags(), auditFlags(), otherFlags())
}

func prometheusFlags() []migration.Flag {
	return migration.InGroup(prometheus, []migration.Flag{
		{Name: "prometheus-url", Default: "https://localhost", Setting: "prometheus.url", Always: true, Secretive: true, Convert: address,
			Remark: "A user in the URL becomes `prometheus.basicAuth`, with the password in a file. The URL's parameters are sent with each request; with GET prometheus-adapter drops them."},
		{Name: "prometheus-verb", Default: "GET", Setting: "prometheus.verb", Convert: verb,
			Remark: "Where it is not given, trimtab's own default stays: POST ([d-post](#d-post))."},
		{Name: "prometheus-header", Setting: "prometheus.headers", Kind: migration.Repeated, Secretive: true, Convert: headers,
			Remark: "`Authorization` becomes `basicAuth` or `bearerTokenFile`, with the secret in a file. A tenant of its own for each namespace: `prometheus.tenant`."},
		{Name: "prometheus-auth-incluster", Setting: "prometheus.bearerTokenFile", Kind: migration.Bool, Convert: inCluster,
			Remark: "The service account's token, and its CA as `prometheus.tls.caFile`. Without effect beside `--prometheus-ca-file`, as in prometheus-adapter."},
		{Name: "prometheus-auth-config", Convert: authConfig, Refused: true,
			Remark: "No kubeconfig is read for Prometheus; write what its user and cluster hold in `prometheus.tls`, `bearerTokenFile` or `basicAuth`. Without effect beside `--prometheus-ca-file`, as in prometheus-adapter."},
		{Name: "prometheus-ca-file", Setting: "prometheus.tls.caFile", Convert: migration.Mounted, Remark: "Read again when it changes."},
		{Name: "prometheus-client-tls-cert-file", Setting: "prometheus.tls.certFile", Convert: clientCertificate,
			Remark: "Read again when it changes. Not taken without `--prometheus-ca-file`, since prometheus-adapter does not use it then."},
		{Name: "prometheus-client-tls-key-file", Setting: "prometheus.tls.keyFile", Convert: clientCertificate, Remark: "As the certificate."},
		{Name: "prometheus-token-file", Setting: "prometheus.bearerTokenFile", Convert: token,
			Remark: "Read again when it changes; space around the token is taken off. Not taken beside a user in the URL, which prometheus-adapter sends instead."},
	})
}

func discoveryFlags(o Options) []migration.Flag {
	return migration.InGroup(discovery, []migration.Flag{
		{Name: "config", Setting: "adapter.rules", Always: true, Convert: o.rules,
			Remark: "The rules of the ConfigMap stand in the section `adapter` (`rules`, `externalRules`, `resourceRules`). With `--rules-file`, or where only flags are known: `adapter.rulesFile`."},
		{Name: "metrics-relist-interval", Default: "10m0s", Setting: "adapter.metricsRelistInterval", Kind: migration.Duration, Always: true, Convert: relist,
			Remark: "Its default is written too, since trimtab's is 1m ([d-relist](#d-relist)). Take the line out to have new metrics after a minute."},
		{Name: "metrics-max-age", Setting: "adapter.metricsMaxAge", Kind: migration.Duration, Convert: maxAge,
			Remark: "Where it is not given, trimtab's own default stays: 5m, or the relist interval where that is longer ([d-max-age](#d-max-age))."},
	})
}

func kubernetesFlags() []migration.Flag {
	return migration.InGroup(kubernetes, []migration.Flag{
		{Name: "lister-kubeconfig", Setting: "kubernetes.kubeconfig", Convert: migration.Mounted, Remark: "All parts of trimtab use it, for authentication and authorization too."},
		{Name: "client-qps", Default: "5", Setting: "kubernetes.kubeClientQps", Kind: migration.Number, Convert: migration.ClientLimit,
			Remark: "Reads come from watches and do not count. Without it trimtab's own default stays: 50. 0 is the default, and a negative number no limit, which trimtab has not: it is not taken."},
		{Name: "client-burst", Default: "10", Setting: "kubernetes.kubeClientBurst", Kind: migration.Whole, Convert: migration.ClientLimit, Remark: "As `--client-qps`; trimtab's default is 100."},
		{Name: "discovery-interval", Kind: migration.Duration, Remark: "Without effect in prometheus-adapter. trimtab knows a new kind when it is first asked for."},
	})
}

func servingFlags() []migration.Flag {
	return migration.InGroup(serving, []migration.Flag{
		{Name: "secure-port", Default: "443", Setting: "adapter.securePort", Kind: migration.Whole, Always: true, Convert: port,
			Remark: "Its default is written too, since trimtab's is 6443, which the manifests in `deploy/` name: with these take it out. 0, which serves nothing, cannot be done."},
		{Name: "bind-address", Default: "0.0.0.0", Setting: "adapter.bindAddress", Kind: migration.Address},
		{Name: "cert-dir", Default: "apiserver.local.config/certificates", Setting: "adapter.tlsCertFile", Convert: certDir,
			Remark: "Where a volume other than an emptyDir is mounted there: its `apiserver.crt` and `apiserver.key`. Otherwise nothing: trimtab signs a certificate for itself in memory and writes no file."},
		{Name: "tls-cert-file", Setting: "adapter.tlsCertFile", Convert: migration.Mounted, Remark: "Read again when it changes."},
		{Name: "tls-private-key-file", Setting: "adapter.tlsPrivateKeyFile", Convert: migration.Mounted, Remark: "Read again when it changes."},
		{Name: "tls-min-version", Setting: "adapter.tlsMinVersion", Convert: minVersion, Remark: "TLS 1.0 and 1.1 are not taken; 1.2 is the default of both programs."},
		{Name: "tls-cipher-suites", Setting: "adapter.tlsCipherSuites", Kind: migration.List, Convert: cipherSuites, Remark: "TLS 1.3 has its own, which cannot be chosen, in both programs."},
		{Name: "tls-sni-cert-key", Default: "[]", Kind: migration.Repeated, Refused: true, Remark: "One certificate is served; the API server calls by one name, that of the Service."},
		{Name: "disable-http2", Setting: "adapter.disableHttp2", Kind: migration.Bool, Remark: "Of the served APIs."},
		{Name: "disable-http2-serving", Kind: migration.Bool, Known: "after 0.12", Remark: "Without effect in prometheus-adapter, where `--disable-http2` decides."},
		{Name: "tls-curve-preferences", Kind: migration.List, Known: "after 0.12", Refused: true, Remark: "Go's own order stays."},
		{Name: "http2-max-streams-per-connection", Kind: migration.Whole, Remark: "Go's default stays, 250 streams."},
		{Name: "permit-address-sharing", Kind: migration.Bool, Refused: true, Remark: "The port is bound by one process."},
		{Name: "permit-port-sharing", Kind: migration.Bool, Refused: true, Remark: "The port is bound by one process; with `hostNetwork` let one replica run on a node."},
	})
}

func authFlags() []migration.Flag {
	const published = "trimtab takes it from the ConfigMap kube-system/extension-apiserver-authentication, where the API server publishes it. Take the flag out if it says the same."
	return slices.Concat(migration.InGroup(authentication, []migration.Flag{
		{Name: "authentication-kubeconfig", Convert: sameKubeconfig, Refused: true, Remark: "Taken as done where it is the file of `--lister-kubeconfig`: trimtab has one kubeconfig."},
		{Name: "authentication-skip-lookup", Kind: migration.Bool, Refused: true, Remark: "trimtab always reads the ConfigMap kube-system/extension-apiserver-authentication; it needs the Role extension-apiserver-authentication-reader."},
		{Name: "authentication-tolerate-lookup-failure", Kind: migration.Bool, Remark: "trimtab does not start without that ConfigMap: it would refuse the API server itself."},
		{Name: "authentication-token-webhook-cache-ttl", Default: "10s", Kind: migration.Duration, Remark: "trimtab believes an answer for 10s."},
		{Name: "client-ca-file", Refused: true, Remark: published},
		{Name: "requestheader-client-ca-file", Refused: true, Remark: published},
		{Name: "requestheader-allowed-names", Kind: migration.List, Refused: true, Remark: published},
		{Name: "requestheader-username-headers", Default: "x-remote-user", Kind: migration.List, Refused: true, Remark: published},
		{Name: "requestheader-uid-headers", Kind: migration.List, Known: "after 0.12", Refused: true, Remark: published},
		{Name: "requestheader-group-headers", Default: "x-remote-group", Kind: migration.List, Refused: true, Remark: published},
		{Name: "requestheader-extra-headers-prefix", Default: "x-remote-extra-", Kind: migration.List, Refused: true, Remark: published},
	}), migration.InGroup(authorization, []migration.Flag{
		{Name: "authorization-kubeconfig", Convert: sameKubeconfig, Refused: true, Remark: "Taken as done where it is the file of `--lister-kubeconfig`: trimtab has one kubeconfig."},
		{Name: "authorization-always-allow-paths", Default: "/healthz,/readyz,/livez", Kind: migration.List, Convert: openPaths, Refused: true,
			Remark: "The three health paths are open in trimtab too, and `/metrics` is, on the port of `server.address`. Other paths cannot be opened."},
		{Name: "authorization-webhook-cache-authorized-ttl", Default: "10s", Setting: "adapter.authorizationWebhookCacheAuthorizedTtl", Kind: migration.Duration},
		{Name: "authorization-webhook-cache-unauthorized-ttl", Default: "10s", Kind: migration.Duration, Remark: "trimtab believes a refusal for 10s."},
	}))
}
