package externalgrpc

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trimtab/trimtab/internal/config"
)

// Config is the section clusterScaler.externalGrpc: how the server is reached. With neither certificate the connection
// is plain text, and whoever can reach the server or sit in between can make and delete nodes.
type Config struct {
	// Address is host:port of the server. The host is also the name that its certificate must have.
	Address string `yaml:"address"`
	// Key and Cert are files with the client's private key and certificate, for servers that demand one. Files are read
	// for each new connection. Default none.
	Key  string `yaml:"key"`
	Cert string `yaml:"cert"`
	// CACert is a file with the certificates that vouch for the server. Default none: no encryption.
	CACert string `yaml:"cacert"`
	// Timeout bounds each call. Default 5s.
	Timeout config.Duration `yaml:"timeout"`
	// CloudConfig is a file with these settings instead, as cluster-autoscaler's --cloud-config names it: address, key,
	// cert, cacert, grpc_timeout.
	CloudConfig string `yaml:"cloudConfig"`
}

const (
	defaultTimeout = 5 * time.Second
	leastTimeout   = 100 * time.Millisecond
	// mostTimeout is below the time that the part gives to an action.
	mostTimeout = time.Minute
)

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() { c.Timeout = config.Duration(defaultTimeout) }

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	if c.CloudConfig == "" {
		return c.check("timeout")
	}
	var ps config.Problems
	for _, f := range []struct{ path, value string }{{"address", c.Address}, {"key", c.Key}, {"cert", c.Cert}, {"cacert", c.CACert}} {
		if f.value != "" {
			ps.Add(f.path, "stands in the file of cloudConfig; give one of both")
		}
	}
	if c.Timeout.Std() != defaultTimeout {
		ps.Add("timeout", "stands in the file of cloudConfig, as grpc_timeout; give one of both")
	}
	return ps
}

// check finds what is wrong with a connection; timeout is what its file calls that setting.
func (c *Config) check(timeout string) config.Problems {
	var ps config.Problems
	if c.Address == "" {
		ps.Add("address", "is required: host:port of the server")
	} else if host, port, err := net.SplitHostPort(c.Address); err != nil || host == "" || !isPort(port) {
		ps.Add("address", "%q is not host:port, such as provider.kube-system.svc:8086", c.Address)
	}
	switch {
	case c.Cert != "" && c.Key == "":
		ps.Add("key", "is required with cert")
	case c.Key != "" && c.Cert == "":
		ps.Add("cert", "is required with key")
	}
	if c.CACert == "" && (c.Cert != "" || c.Key != "") {
		ps.Add("cacert", "is required with cert and key: without it nothing vouches for the server")
	}
	if t := c.Timeout.Std(); t < leastTimeout || t > mostTimeout {
		ps.Add(timeout, "%s is not between %s and %s", c.Timeout, leastTimeout, mostTimeout)
	}
	return ps
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// Paths are the settings that name a file, for their owner to make them relative to another folder.
func (c *Config) Paths() []*string { return []*string{&c.Key, &c.Cert, &c.CACert, &c.CloudConfig} }

// plain says that nothing is encrypted.
func (c *Config) plain() bool { return c.Cert == "" && c.Key == "" && c.CACert == "" }

// cloudConfig is the file that cluster-autoscaler reads for this provider.
type cloudConfig struct {
	Address string          `yaml:"address"`
	Key     string          `yaml:"key"`
	Cert    string          `yaml:"cert"`
	CACert  string          `yaml:"cacert"`
	Timeout config.Duration `yaml:"grpc_timeout"`
}

// SetDefaults fills in what cluster-autoscaler does.
func (c *cloudConfig) SetDefaults() { c.Timeout = config.Duration(defaultTimeout) }

// Validate checks what the types cannot.
func (c *cloudConfig) Validate() config.Problems {
	settings := c.settings()
	return settings.check("grpc_timeout")
}

func (c *cloudConfig) settings() Config {
	return Config{Address: c.Address, Key: c.Key, Cert: c.Cert, CACert: c.CACert, Timeout: c.Timeout}
}

// maxCloudConfig bounds the file; it has five settings.
const maxCloudConfig = 1 << 20

// Load is the settings themselves, read from the file of CloudConfig where that is given. Relative paths in the file
// start where it lies. What is wrong with it is a config.Problems.
func (c *Config) Load() (Config, error) {
	if c.CloudConfig == "" {
		return *c, nil
	}
	data, err := readBounded(c.CloudConfig)
	if err != nil {
		return Config{}, err
	}
	var file cloudConfig
	file.SetDefaults()
	if err := config.Decode(c.CloudConfig, data, &file); err != nil {
		return Config{}, err
	}
	settings := file.settings()
	for _, path := range settings.Paths() {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(c.CloudConfig), *path)
		}
	}
	return settings, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCloudConfig+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxCloudConfig:
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxCloudConfig)
	}
	return data, nil
}
