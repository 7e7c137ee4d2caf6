package migrate

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

func port(c *migration.Conversion, v migration.Value) error {
	const ours = 6443 // the port of the manifests in deploy/
	switch n, _ := strconv.ParseInt(v.Last, 0, 64); {
	case n <= 0 || n > 65535:
		c.Block(v.Flag, "%s is not a port from 1 to 65535; trimtab always serves its APIs", text.Quote(v.Last))
		return nil
	case n != ours:
		c.Note(v.Flag, "%d is the port inside of the pod, which the Service's targetPort has to name. trimtab's own manifests, in deploy/, name %d: with them take %s out", n, ours, v.Setting)
	}
	return migration.Take(c, v)
}

func relist(c *migration.Conversion, v migration.Value) error {
	if d, _ := time.ParseDuration(v.Last); d <= 0 {
		c.Block(v.Flag, "%s is not above zero", text.Quote(v.Last))
		return nil
	}
	return migration.Take(c, v)
}

// maxAge is never below the relist interval. prometheus-adapter refuses a shorter one if there are rules, and trimtab
// always refuses it.
func maxAge(c *migration.Conversion, v migration.Value) error {
	age, _ := time.ParseDuration(v.Last)
	relist, err := time.ParseDuration(c.Text("metrics-relist-interval"))
	switch {
	case age == 0:
		return nil // prometheus-adapter treats it as not given
	case err == nil && age < relist:
		c.Note(v.Flag, "%s is shorter than the relist interval, so that metrics would come and go; that interval is written instead", v.Last)
		v.Last = c.Text("metrics-relist-interval")
	}
	return migration.Take(c, v)
}

// certDir holds apiserver.crt and apiserver.key, or prometheus-adapter writes them there.
func certDir(c *migration.Conversion, v migration.Value) error {
	if v.Last == "" || c.Text("tls-cert-file") != "" {
		return nil
	}
	certificate, key := strings.TrimSuffix(v.Last, "/")+"/apiserver.crt", strings.TrimSuffix(v.Last, "/")+"/apiserver.key"
	if c.In.Files == nil {
		c.Note(v.Flag, "if apiserver.crt and apiserver.key are mounted there, name them in adapter.tlsCertFile and adapter.tlsPrivateKeyFile; otherwise trimtab too signs a certificate for itself")
		return nil
	}
	if o := c.In.Files(certificate); o.Scratch || o.From == "" {
		return nil
	}
	c.Set(v, "adapter.tlsCertFile", migration.Str(certificate))
	c.Set(v, "adapter.tlsPrivateKeyFile", migration.Str(key))
	c.TellFile(v.Flag, certificate)
	return nil
}

// cipherSuites have one name each in trimtab, Go's name. prometheus-adapter also accepts a shorter name for two of
// them.
func cipherSuites(c *migration.Conversion, v migration.Value) error {
	for i, suites := range v.All {
		words := strings.Split(suites, ",")
		for j, name := range words {
			if strings.HasSuffix(strings.TrimSpace(name), "_CHACHA20_POLY1305") {
				words[j] = strings.TrimSpace(name) + "_SHA256"
			}
		}
		v.All[i] = strings.Join(words, ",")
	}
	return migration.Take(c, v)
}

// minVersion is 1.2 at least, which is the default of both programs.
func minVersion(c *migration.Conversion, v migration.Value) error {
	switch v.Last {
	case "":
		return nil
	case "VersionTLS10", "VersionTLS11":
		c.Note(v.Flag, "%s is not taken: trimtab serves TLS 1.2 and above, as every API server speaks it", v.Last)
		return nil
	}
	return migration.Take(c, v)
}

func sameKubeconfig(c *migration.Conversion, v migration.Value) error {
	if v.Last != "" && v.Last != c.Text("lister-kubeconfig") {
		c.Block(v.Flag, "trimtab has one kubeconfig, which --lister-kubeconfig becomes; %s is another", text.Quote(v.Last))
	}
	return nil
}

func openPaths(c *migration.Conversion, v migration.Value) error {
	open := []string{"/healthz", "/readyz", "/livez", "/metrics"}
	if others := slices.DeleteFunc(v.List(), func(p string) bool { return slices.Contains(open, p) }); len(others) > 0 {
		c.Block(v.Flag, "%s cannot be opened to everyone; give those who ask the rights", text.Quote(strings.Join(others, ",")))
	}
	return nil
}

// verbosity becomes debug where prometheus-adapter logs its queries.
func verbosity(c *migration.Conversion, v migration.Value) error {
	level := "info"
	if n, _ := strconv.ParseInt(v.Last, 0, 64); n >= 6 {
		level = "debug"
	}
	c.Set(v, v.Setting, migration.Str(level))
	return nil
}

// proxies notes that trimtab does not use the proxy of the container's environment for Prometheus.
func proxies(c *migration.Conversion) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		if c.In.Env[name] != "" || c.In.Env[strings.ToLower(name)] != "" {
			c.Add("variable "+name, migration.Other, false, "trimtab asks Prometheus without a proxy; see that it can be reached without one")
		}
	}
}
