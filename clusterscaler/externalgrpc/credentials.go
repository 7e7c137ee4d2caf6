package externalgrpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"

	"github.com/trimtab/trimtab/internal/config"
)

// fileCredentials are TLS credentials that are read from their files for each connection: certificates that were
// exchanged on disk are used from the next connection on, and no restart is needed.
type fileCredentials struct {
	// key and cert are empty where the server demands no certificate.
	key, cert, ca string
	// serverName is what the server's certificate must be made out to.
	serverName string
}

// load reads the files as they are now. Its errors never repeat what stands in them.
func (f *fileCredentials) load() (*tls.Config, error) {
	authorities, err := config.ReadFile(f.ca, config.MaxSecretBytes)
	if err != nil {
		return nil, fmt.Errorf("cacert: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("cacert: %s has no certificate in PEM form", f.ca)
	}
	c := &tls.Config{ServerName: f.serverName, RootCAs: pool, MinVersion: tls.VersionTLS12}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("cert %s with key %s: %w", f.cert, f.key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// ClientHandshake secures a new connection.
func (f *fileCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(c).ClientHandshake(ctx, authority, raw)
}

var errNoServer = errors.New("these credentials are a client's")

// ServerHandshake is never used.
func (f *fileCredentials) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errNoServer
}

// Info tells the connection what it will be.
func (f *fileCredentials) Info() credentials.ProtocolInfo {
	return credentials.NewTLS(&tls.Config{ServerName: f.serverName, MinVersion: tls.VersionTLS12}).Info()
}

// Clone is a copy.
func (f *fileCredentials) Clone() credentials.TransportCredentials {
	clone := *f
	return &clone
}

// OverrideServerName is part of the interface, and deprecated in it.
func (f *fileCredentials) OverrideServerName(name string) error {
	f.serverName = name
	return nil
}
