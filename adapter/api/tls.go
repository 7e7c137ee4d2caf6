package api

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// CheckTLS tells what is wrong with the settings TLSMinVersion and TLSCipherSuites of a Config.
func CheckTLS(minVersion string, cipherSuites []string, http2 bool) error {
	if _, err := tlsVersion(minVersion); err != nil {
		return err
	}
	_, err := tlsCipherSuites(cipherSuites, http2)
	return err
}

// tlsVersion reads the values of --tls-min-version: VersionTLS12 and VersionTLS13. Empty is the default, 1.2.
// The older two are refused where the programs of Kubernetes still take them: no client of this API needs them.
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

// tlsCipherSuites reads the values of --tls-cipher-suites, which count for TLS 1.2 only. None is Go's choice.
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
		return nil, fmt.Errorf("tlsCipherSuites: HTTP/2 needs %s or %s; add one, or disable HTTP/2", tls.CipherSuiteName(required[0]), tls.CipherSuiteName(required[1]))
	}
	return ids, nil
}
