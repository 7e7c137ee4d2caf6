package externalgrpc

import (
	"io"
	"os"
	"path/filepath"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/cloudconfig"
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

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() { c.Timeout = config.Duration(cloudconfig.DefaultTimeout) }

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	if c.CloudConfig == "" {
		file := cloudconfig.Config{Address: c.Address, Key: c.Key, Cert: c.Cert, CACert: c.CACert, Timeout: c.Timeout}
		return file.Check("timeout")
	}
	var ps config.Problems
	for _, f := range []struct{ path, value string }{{"address", c.Address}, {"key", c.Key}, {"cert", c.Cert}, {"cacert", c.CACert}} {
		if f.value != "" {
			ps.Add(f.path, "stands in the file of cloudConfig; give one of both")
		}
	}
	if c.Timeout.Std() != cloudconfig.DefaultTimeout {
		ps.Add("timeout", "stands in the file of cloudConfig, as grpc_timeout; give one of both")
	}
	return ps
}

// Paths are the settings that name a file, for their owner to make them relative to another folder.
func (c *Config) Paths() []*string { return []*string{&c.Key, &c.Cert, &c.CACert, &c.CloudConfig} }

// plain says that nothing is encrypted.
func (c *Config) plain() bool { return c.Cert == "" && c.Key == "" && c.CACert == "" }

// Load is the settings themselves, read from the file of CloudConfig where that is given. Relative paths in the file
// start where it lies. What is wrong with it is a config.Problems.
func (c *Config) Load() (Config, error) {
	if c.CloudConfig == "" {
		return *c, nil
	}
	f, err := os.Open(c.CloudConfig)
	if err != nil {
		return Config{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, cloudconfig.MaxSize+1))
	if err != nil {
		return Config{}, err
	}
	file, err := cloudconfig.Decode(c.CloudConfig, data)
	if err != nil {
		return Config{}, err
	}
	file = file.In(filepath.Dir(c.CloudConfig))
	return Config{Address: file.Address, Key: file.Key, Cert: file.Cert, CACert: file.CACert, Timeout: file.Timeout}, nil
}
