package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/adapter"
	clusterconfig "github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
)

// configFile is the configuration file. Relative paths in it start at its directory. A part runs if the file has its
// section; an empty section (`vpa:`) means the defaults.
type configFile struct {
	Log            logConfig           `yaml:"log"`
	Server         serverConfig        `yaml:"server"`
	Kubernetes     kube.Config         `yaml:"kubernetes"`
	LeaderElection kube.LeaderElection `yaml:"leaderElection"`
	// Prometheus is the server for adapter and vpa. A trigger of a ScaledObject names its own server.
	Prometheus    *prom.Config          `yaml:"prometheus"`
	Adapter       *adapter.Config       `yaml:"adapter"`
	Scalers       *scalers.Config       `yaml:"scalers"`
	VPA           *vpa.Config           `yaml:"vpa"`
	ClusterScaler *clusterconfig.Config `yaml:"clusterScaler"`
}

// logConfig has the settings of the structured log, which goes to standard error.
type logConfig struct {
	// Level is debug, info, warn or error. Default info.
	Level string `yaml:"level"`
	// Format is text or json. Default text.
	Format string `yaml:"format"`
}

// serverConfig has the settings of the two plain HTTP servers: for /healthz, /readyz and /metrics, and for the debug
// pages.
type serverConfig struct {
	// Address of health and metrics. Default :8080. It has no authentication.
	Address string `yaml:"address"`
	// DebugAddress is for /debug/decisions, /debug/explain and /debug/snapshot, which show the decisions about all
	// namespaces. Default localhost:8081, which kubectl port-forward reaches; empty disables them. On an address that
	// is not loopback, each request needs a bearer token whose user may get the path (nonResourceURLs).
	DebugAddress string `yaml:"debugAddress"`
	// MaxRequests is how many requests for /metrics are answered at the same time, a quarter of them for one client.
	// Others get 503. Default 32. Health checks do not count.
	MaxRequests int `yaml:"maxRequests"`
	// MaxConnections is how many connections each of the two servers keeps open. At the limit, a new connection
	// replaces another one: of the client with the most connections, the one that was silent for the longest time.
	// Default 256.
	MaxConnections int `yaml:"maxConnections"`
	// Decisions is how many recent decisions /debug/decisions keeps, in at most 7 KiB each. Default 10000, at most
	// 1000000.
	Decisions int `yaml:"decisions"`
	// ShutdownDelay is how long a process that ends still answers requests for metrics, while /readyz already fails.
	// Default 5s: by then Services no longer send requests here. 0 ends at once.
	ShutdownDelay config.Duration `yaml:"shutdownDelay"`
}

// SetDefaults fills in the values documented at the fields.
func (c *configFile) SetDefaults() {
	c.Log = logConfig{Level: "info", Format: "text"}
	c.Server = serverConfig{
		Address: ":8080", DebugAddress: "localhost:8081", MaxRequests: 32, MaxConnections: 256, Decisions: 10_000,
		ShutdownDelay: config.Duration(5 * time.Second),
	}
	c.Kubernetes.SetDefaults()
	c.LeaderElection.SetDefaults()
}

// Validate checks settings that concern several sections.
func (c *configFile) Validate() config.Problems {
	var ps config.Problems
	if c.Adapter == nil && c.Scalers == nil && c.VPA == nil && c.ClusterScaler == nil {
		ps.Add("", "no part is configured; write a section adapter, scalers, vpa or clusterScaler ({} for its defaults)")
	}
	if c.VPA != nil && c.Prometheus == nil {
		ps.Add("vpa", "needs the section prometheus, from which it reads the usage")
	}
	if c.Adapter != nil {
		for _, p := range c.Adapter.CheckServers(c.Adapter.File, c.Prometheus != nil) {
			ps.Add("adapter."+p.Path, "%s", p.Message)
		}
	}
	c.checkPorts(&ps)
	return ps
}

// checkPorts finds servers of this process with the same port. Port 0, any free port, never conflicts.
func (c *configFile) checkPorts(ps *config.Problems) {
	type server struct {
		key, host string
		port      int
		shown     string
	}
	var servers []server
	add := func(key, address, standard string) {
		host, name, err := net.SplitHostPort(address)
		if port, wrong := net.LookupPort("tcp", name); err == nil && wrong == nil && port != 0 {
			servers = append(servers, server{key, host, port, config.OrDefault(text.Short(address), standard)})
		}
	}
	standard := withAllSections()
	add("server.address", c.Server.Address, standard.Server.Address)
	add("server.debugAddress", c.Server.DebugAddress, standard.Server.DebugAddress)
	if a := c.metricsAPI(); a != nil {
		port := func(a *adapter.Config) string { return net.JoinHostPort(a.BindAddress, strconv.Itoa(a.SecurePort)) }
		add("adapter.securePort", port(a), port(standard.Adapter))
	}
	all := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	for i, b := range servers {
		for _, a := range servers[:i] {
			if a.port == b.port && (a.host == b.host || all(a.host) || all(b.host)) {
				ps.Add(b.key, "%s has the port of %s, %s; give each server a port of its own", b.shown, a.key, a.shown)
			}
		}
	}
}

// metricsAPI has the settings of the metrics APIs; nil where they are not served. scalers need them too.
func (c *configFile) metricsAPI() *adapter.Config {
	if c.Adapter != nil || c.Scalers == nil {
		return c.Adapter
	}
	var a adapter.Config
	a.SetDefaults()
	return &a
}

// Validate checks what the types cannot.
func (c *logConfig) Validate() config.Problems {
	var ps config.Problems
	if _, err := c.level(); err != nil {
		ps.Add("level", "%q is none of debug, info, warn, error", c.Level)
	}
	if c.Format != "text" && c.Format != "json" {
		ps.Add("format", "%q is neither text nor json", c.Format)
	}
	return ps
}

// Validate checks what the types cannot.
func (c *serverConfig) Validate() config.Problems {
	var ps config.Problems
	// The listener parses it in the same way. But an empty port, which would mean any free port, is refused.
	address := func(key, address, example string) {
		if _, port, err := net.SplitHostPort(address); err != nil {
			ps.Add(key, "%s is not HOST:PORT; write %s", text.Quote(text.Address(address)), example)
		} else if _, err := net.LookupPort("tcp", port); err != nil {
			ps.Add(key, "%s does not end in a port: 0 to 65535", text.Quote(text.Address(address)))
		}
	}
	if c.Address == "" {
		ps.Add("address", "is required; :8080 is usual")
	} else {
		address("address", c.Address, ":8080 for that port on all addresses")
	}
	if c.DebugAddress != "" {
		address("debugAddress", c.DebugAddress, "localhost:8081, or \"\" for no debug pages")
	}
	config.Between(&ps, "maxRequests", c.MaxRequests, 1, 100_000)
	config.Between(&ps, "maxConnections", c.MaxConnections, 1, 100_000)
	config.Between(&ps, "decisions", c.Decisions, 1, 1_000_000) // 7 GiB at most
	return ps
}

// withAllSections is the configuration with every part enabled and every default filled in.
func withAllSections() *configFile {
	c := &configFile{
		Prometheus: new(prom.Config), Adapter: new(adapter.Config), Scalers: new(scalers.Config),
		VPA: new(vpa.Config), ClusterScaler: new(clusterconfig.Config),
	}
	c.SetDefaults()
	c.Prometheus.SetDefaults()
	c.Adapter.SetDefaults()
	c.Scalers.SetDefaults()
	c.VPA.SetDefaults()
	c.ClusterScaler.SetDefaults()
	return c
}

// decodeConfig reads and checks a configuration and the rule file that it names. The error has all problems, as
// Problems, each with its line.
func decodeConfig(name string, data []byte) (*configFile, error) {
	cfg := &configFile{}
	cfg.SetDefaults()
	ps := decodeFile(name, data, cfg)
	if name != standardInput {
		cfg.relativeTo(filepath.Dir(name))
	}
	if cfg.Adapter != nil && cfg.Adapter.RulesFile != "" {
		path := cfg.Adapter.RulesFile
		rulesData, err := readFile(path)
		if err != nil {
			unread := config.Problems{{File: name, Path: "adapter.rulesFile", Message: fmt.Sprintf("cannot be read: %s: %v", path, err)}}
			unread.Locate(config.Document{Line: 1, Data: data})
			ps = append(ps, unread...)
		} else {
			ps = append(ps, cfg.rulesProblems(path, rulesData)...)
		}
	}
	ps = append(ps, cfg.cloudConfigProblems(name, data)...)
	if len(ps) == 0 {
		ps = cfg.idleProblems(name, data)
	}
	return cfg, ps.AsError()
}

// idleProblems are the parts that would run with nothing to do, in a configuration without other problems. A simulation
// does not call it, since it reads the groups from its own file.
func (c *configFile) idleProblems(name string, data []byte) config.Problems {
	var ps config.Problems
	if a := c.Adapter; a != nil && a.RulesFile == "" && a.File.Empty() && len(a.Delegates) == 0 && c.Scalers == nil {
		ps = append(ps, config.Problem{File: name, Path: "adapter", Message: "has no metric to serve: name a rule file in rulesFile, or write rules, externalRules or resourceRules here"})
	}
	if c.ClusterScaler != nil && c.ClusterScaler.NoGroups() {
		ps = append(ps, config.Problem{File: name, Path: "clusterScaler", Message: "has no group to scale: write kwok.groups with the provider kwok, which makes simulated nodes, or set provider: externalgrpc and externalGrpc.address for a cloud"})
	}
	ps.Locate(config.Document{Line: 1, Data: data})
	return ps
}

// cloudConfigProblems are the problems of the file in clusterScaler.externalGrpc.cloudConfig.
func (c *configFile) cloudConfigProblems(name string, data []byte) config.Problems {
	if c.ClusterScaler == nil || c.ClusterScaler.ExternalGrpc == nil {
		return nil
	}
	_, err := c.ClusterScaler.ExternalGrpc.Load()
	ps, decoded := errors.AsType[config.Problems](err)
	if err != nil && !decoded {
		ps = config.Problems{{File: name, Path: "clusterScaler.externalGrpc.cloudConfig", Message: fmt.Sprintf("cannot be read: %v", err)}}
		ps.Locate(config.Document{Line: 1, Data: data})
	}
	return ps
}

// rulesProblems are the problems of the rule file that the adapter's section names.
func (c *configFile) rulesProblems(path string, data []byte) config.Problems {
	_, err := c.Adapter.DecodeRules(path, data, c.Prometheus != nil)
	ps, _ := errors.AsType[config.Problems](err)
	return ps
}

// relativeTo resolves the paths of the configuration relative to dir, its directory. So a directory of files can be
// checked in one place and mounted in another.
func (c *configFile) relativeTo(dir string) {
	paths := []*string{&c.Kubernetes.Kubeconfig}
	if a := c.Adapter; a != nil {
		paths = append(paths, &a.RulesFile, &a.TLSCertFile, &a.TLSPrivateKeyFile)
		for i := range a.Sources {
			paths = append(paths, a.Sources[i].Paths()...)
		}
		for i := range a.Delegates {
			paths = append(paths, &a.Delegates[i].BearerTokenFile, &a.Delegates[i].TLS.CAFile)
		}
	}
	if c.ClusterScaler != nil && c.ClusterScaler.ExternalGrpc != nil {
		paths = append(paths, c.ClusterScaler.ExternalGrpc.Paths()...)
	}
	if c.Prometheus != nil {
		paths = append(paths, c.Prometheus.Paths()...)
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// decodeFile decodes a file with one document and finds the lines of its problems.
func decodeFile(name string, data []byte, into any) config.Problems {
	ps, _ := errors.AsType[config.Problems](config.Decode(name, data, into))
	ps.Locate(config.Document{Line: 1, Data: data})
	return ps
}
