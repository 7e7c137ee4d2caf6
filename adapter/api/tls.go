package api

import (
	"crypto/tls"
	"fmt"
	"strings"
)

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
		return 0, fmt.Errorf("tlsMinVersion %q: must be VersionTLS12 or VersionTLS13", name)
	}
}

// tlsCipherSuites reads the values of --tls-cipher-suites, which count for TLS 1.2 only. None is Go's choice.
func tlsCipherSuites(names []string) ([]uint16, error) {
	var ids []uint16
	known := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
next:
	for _, name := range names {
		for _, suite := range known {
			if suite.Name == name {
				ids = append(ids, suite.ID)
				continue next
			}
		}
		var all []string
		for _, suite := range tls.CipherSuites() {
			all = append(all, suite.Name)
		}
		return nil, fmt.Errorf("tlsCipherSuites: there is no %q; known are %s", name, strings.Join(all, ", "))
	}
	return ids, nil
}
