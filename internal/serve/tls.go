package serve

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	certutil "k8s.io/client-go/util/cert"
)

// TLS has the TLS settings of a port.
type TLS struct {
	// CertFile and KeyFile are PEM files, read again when they change. Without them the server signs its own
	// certificate, which ends with the process.
	CertFile, KeyFile string
	// DisableHTTP2 allows only HTTP/1.1.
	DisableHTTP2 bool
	// MinVersion and CipherSuites are the flags --tls-min-version and --tls-cipher-suites of Kubernetes' programs.
	// Empty means TLS 1.2 and Go's suites.
	MinVersion   string
	CipherSuites []string
}

// Check reports errors in MinVersion and CipherSuites.
func (t TLS) Check() error {
	_, err := t.settings()
	return err
}

// On is the port of l. It does not accept requests yet. A generic API server uses it, or its Serve answers with any
// handler.
func (t TLS) On(l net.Listener) (*genericapiserver.SecureServingInfo, error) {
	s, err := t.settings()
	if err != nil {
		return nil, err
	}
	s.Listener = l
	s.Cert, err = t.certificate()
	return s, err
}

func (t TLS) settings() (*genericapiserver.SecureServingInfo, error) {
	minimum, err := tlsVersion(t.MinVersion)
	if err != nil {
		return nil, err
	}
	suites, err := tlsCipherSuites(t.CipherSuites, !t.DisableHTTP2 && minimum < tls.VersionTLS13)
	if err != nil {
		return nil, err
	}
	return &genericapiserver.SecureServingInfo{DisableHTTP2: t.DisableHTTP2, MinTLSVersion: minimum, CipherSuites: suites}, nil
}

func (t TLS) certificate() (dynamiccertificates.CertKeyContentProvider, error) {
	if t.CertFile != "" {
		return dynamiccertificates.NewDynamicServingContentFromFiles("serving-cert", t.CertFile, t.KeyFile)
	}
	cert, key, err := certutil.GenerateSelfSignedCertKey("trimtab", nil, []string{"localhost"})
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return dynamiccertificates.NewStaticCertKeyContent("self-signed", cert, key)
}

// tlsVersion reads the values of --tls-min-version: VersionTLS12 and VersionTLS13. Empty is the default, 1.2. The two
// older versions, which Kubernetes' programs still accept, are refused: no client of this API needs them.
func tlsVersion(name string) (uint16, error) {
	switch name {
	case "":
		return 0, nil
	case "VersionTLS12":
		return tls.VersionTLS12, nil
	case "VersionTLS13":
		return tls.VersionTLS13, nil
	default:
		return 0, fmt.Errorf("tlsMinVersion: %q is neither VersionTLS12 nor VersionTLS13", name)
	}
}

// tlsCipherSuites reads the values of --tls-cipher-suites, which are used for TLS 1.2 only. None means Go's choice.
// http2 says that HTTP/2 is used over TLS 1.2; it needs certain suites.
func tlsCipherSuites(names []string, http2 bool) ([]uint16, error) {
	known := map[string]uint16{}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[suite.Name] = suite.ID
	}
	var ids []uint16
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("tlsCipherSuites: there is no %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		ids = append(ids, id)
	}
	required := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	if http2 && len(ids) > 0 && !slices.Contains(ids, required[0]) && !slices.Contains(ids, required[1]) {
		return nil, fmt.Errorf("tlsCipherSuites: HTTP/2 needs %s or %s; add one, set tlsMinVersion to VersionTLS13, or disable HTTP/2", tls.CipherSuiteName(required[0]), tls.CipherSuiteName(required[1]))
	}
	return ids, nil
}
