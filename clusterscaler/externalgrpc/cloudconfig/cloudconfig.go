package cloudconfig

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/text"
)

// Config is the file. With neither certificate the connection is plain text.
type Config struct {
	// Address is host:port of the server. The host is also the name that its certificate must have.
	Address string `yaml:"address"`
	// Key and Cert are files with the client's private key and certificate. Default none.
	Key  string `yaml:"key"`
	Cert string `yaml:"cert"`
	// CACert is a file with the certificates that vouch for the server. Default none.
	CACert string `yaml:"cacert"`
	// Timeout bounds each call. Default 5s.
	Timeout config.Duration `yaml:"grpc_timeout"`
}

const (
	// DefaultTimeout is cluster-autoscaler's.
	DefaultTimeout = 5 * time.Second
	leastTimeout   = 100 * time.Millisecond
	// mostTimeout is below the time that the part gives to an action.
	mostTimeout = time.Minute
	// MaxSize bounds the file in bytes; it has five settings.
	MaxSize = 1 << 20
)

// SetDefaults fills in what cluster-autoscaler does.
func (c *Config) SetDefaults() { c.Timeout = config.Duration(DefaultTimeout) }

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems { return c.Check("grpc_timeout") }

// Check finds what is wrong with the settings; timeout is what their file calls that one.
func (c *Config) Check(timeout string) config.Problems {
	var ps config.Problems
	if c.Address == "" {
		ps.Add("address", "is required: host:port of the server")
	} else if host, port, ok := hostPort(c.Address); !ok || host == "" || !isPort(port) {
		ps.Add("address", "%s is not host:port, such as provider.kube-system.svc:8086", text.Quote(text.Address(c.Address)))
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

// hostPort divides an address as package net does, which is for programs that may reach a network.
func hostPort(address string) (host, port string, ok bool) {
	at := strings.LastIndexByte(address, ':')
	if at < 0 {
		return "", "", false
	}
	host, port = address[:at], address[at+1:]
	if inside, bracketed := strings.CutPrefix(host, "["); bracketed {
		if host, bracketed = strings.CutSuffix(inside, "]"); !bracketed {
			return "", "", false
		}
	} else if strings.Contains(host, ":") {
		return "", "", false
	}
	return host, port, !strings.ContainsAny(host, "[]") && !strings.ContainsAny(port, "[]")
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// Decode reads the file of that name strictly. What is wrong with what stands in it is a config.Problems.
func Decode(name string, data []byte) (Config, error) {
	if len(data) > MaxSize {
		return Config{}, fmt.Errorf("%s has more than %d bytes", name, MaxSize)
	}
	var c Config
	c.SetDefaults()
	if err := config.Decode(name, data, &c); err != nil {
		return Config{}, err
	}
	return c, nil
}

// In are the settings with the paths that are relative made to start in the folder.
func (c Config) In(folder string) Config {
	for _, path := range []*string{&c.Key, &c.Cert, &c.CACert} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	return c
}
