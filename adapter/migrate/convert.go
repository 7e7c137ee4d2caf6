package migrate

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// take writes the value as it is to the flag's setting.
func (c *conversion) take(v value) error {
	c.set(v, v.Setting, v.node())
	return nil
}

// drop tells that the flag has no counterpart, if it changed anything.
func (c *conversion) drop(v value) error {
	if !v.isDefault() {
		c.note(v.Flag, "%s", prose(v.Remark))
	}
	return nil
}

// refuse tells that trimtab cannot do what the flag asks for, if it changed anything.
func (c *conversion) refuse(v value) error {
	if !v.isDefault() {
		c.block(v.Flag, "%s", prose(v.Remark))
	}
	return nil
}

// nothing is for flags that trimtab satisfies, whatever they say.
func (c *conversion) nothing(value) error { return nil }

// mounted takes the path of a file, and tells where the file comes from.
func (c *conversion) mounted(v value) error {
	if v.last == "" {
		return nil
	}
	c.set(v, v.Setting, str(v.last))
	c.tellFile(v.Flag, v.last)
	return nil
}

// tellFile tells what has to be mounted in trimtab's pod for a file that a setting names.
func (c *conversion) tellFile(f Flag, file string) {
	if c.in.files == nil {
		c.note(f, "the file %s has to be there in trimtab's pod", shown(file))
	} else if from := c.in.files(file).from; from != "" {
		c.note(f, "the file %s is of %s; mount it at this path in trimtab's pod", shown(file), from)
	} else {
		c.note(f, "the file %s is in no volume of prometheus-adapter's pod; it has to be there in trimtab's", shown(file))
	}
}

func (c *conversion) limit(v value) error {
	switch n, _ := strconv.ParseFloat(v.last, 64); {
	case n > 0:
		return c.take(v)
	case n < 0:
		c.note(v.Flag, "a negative number means no limit, which trimtab has not; its default stays")
	}
	return nil
}

func (c *conversion) port(v value) error {
	n, _ := strconv.ParseInt(v.last, 0, 64)
	if n <= 0 || n > 65535 {
		c.block(v.Flag, "%s is not a port from 1 to 65535; trimtab always serves its APIs", shown(v.last))
		return nil
	}
	return c.take(v)
}

func (c *conversion) relist(v value) error {
	if d, _ := time.ParseDuration(v.last); d <= 0 {
		c.block(v.Flag, "%s is not above zero", shown(v.last))
		return nil
	}
	return c.take(v)
}

// maxAge is never below the relist interval: prometheus-adapter refuses that where there are rules, and
// trimtab always does.
func (c *conversion) maxAge(v value) error {
	age, _ := time.ParseDuration(v.last)
	relist, err := time.ParseDuration(c.text("metrics-relist-interval"))
	switch {
	case age == 0:
		return nil // prometheus-adapter takes it for not given
	case err == nil && age < relist:
		c.note(v.Flag, "%s is shorter than the relist interval, so that metrics would come and go; that interval is written instead", v.last)
		v.last = c.text("metrics-relist-interval")
	}
	return c.take(v)
}

// certDir holds apiserver.crt and apiserver.key, or they are made there.
func (c *conversion) certDir(v value) error {
	if v.last == "" || c.text("tls-cert-file") != "" {
		return nil
	}
	certificate, key := strings.TrimSuffix(v.last, "/")+"/apiserver.crt", strings.TrimSuffix(v.last, "/")+"/apiserver.key"
	if c.in.files == nil {
		c.note(v.Flag, "if apiserver.crt and apiserver.key are mounted there, name them in adapter.tlsCertFile and adapter.tlsPrivateKeyFile; otherwise trimtab too signs a certificate for itself")
		return nil
	}
	if o := c.in.files(certificate); o.scratch || o.from == "" {
		return nil
	}
	c.set(v, "adapter.tlsCertFile", str(certificate))
	c.set(v, "adapter.tlsPrivateKeyFile", str(key))
	c.tellFile(v.Flag, certificate)
	return nil
}

// cipherSuites have one name each in trimtab, Go's; prometheus-adapter knows a shorter one of two of them besides.
func (c *conversion) cipherSuites(v value) error {
	for i, suites := range v.all {
		words := strings.Split(suites, ",")
		for j, name := range words {
			if strings.HasSuffix(strings.TrimSpace(name), "_CHACHA20_POLY1305") {
				words[j] = strings.TrimSpace(name) + "_SHA256"
			}
		}
		v.all[i] = strings.Join(words, ",")
	}
	return c.take(v)
}

// minVersion is 1.2 at least, which is the default of both programs.
func (c *conversion) minVersion(v value) error {
	switch v.last {
	case "":
		return nil
	case "VersionTLS10", "VersionTLS11":
		c.note(v.Flag, "%s is not taken: trimtab serves TLS 1.2 and above, as every API server speaks it", v.last)
		return nil
	}
	return c.take(v)
}

func (c *conversion) sameKubeconfig(v value) error {
	if v.last != "" && v.last != c.text("lister-kubeconfig") {
		c.block(v.Flag, "trimtab has one kubeconfig, which --lister-kubeconfig becomes; %s is another", shown(v.last))
	}
	return nil
}

func (c *conversion) openPaths(v value) error {
	open := []string{"/healthz", "/readyz", "/livez", "/metrics"}
	if others := slices.DeleteFunc(v.list(), func(p string) bool { return slices.Contains(open, p) }); len(others) > 0 {
		c.block(v.Flag, "%s cannot be opened to everyone; give those who ask the rights", shown(strings.Join(others, ",")))
	}
	return nil
}

// verbosity is debug where prometheus-adapter logs its queries.
func (c *conversion) verbosity(v value) error {
	level := "info"
	if n, _ := strconv.ParseInt(v.last, 0, 64); n >= 6 {
		level = "debug"
	}
	c.set(v, v.Setting, str(level))
	return nil
}

// proxies tells that Prometheus is asked without the proxy that the container's environment names.
// prometheus-adapter uses none either when it has a CA file.
func (c *conversion) proxies() {
	server, err := url.Parse(c.text("prometheus-url"))
	if err != nil || c.text("prometheus-ca-file") != "" {
		return
	}
	name := strings.ToUpper(server.Scheme) + "_PROXY"
	proxy, set := c.in.env.either(name)
	if set && (proxy.value != "" || proxy.elsewhere != "") && !c.in.env.withoutProxy(server.Hostname()) {
		c.add("variable "+name, Other, true, "trimtab asks Prometheus without a proxy; name its host in NO_PROXY if it can be reached without one")
	}
}

// set writes a setting and remembers it.
func (c *conversion) set(v value, path string, n *setting) {
	comment := v.spelling()
	if !v.set {
		comment = "default of " + comment
	}
	c.file.set(path, n.node, comment)
	c.result.Settings = append(c.result.Settings, Setting{Flag: v.spelling(), Setting: path, Value: n.shown})
}
