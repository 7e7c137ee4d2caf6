package trigger

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/trimtab/trimtab/scalers/param"
)

// TLS has the TLS settings of a client, as most of KEDA's types declare them. It is comparable.
type TLS struct {
	// CA, Cert and Key are PEM texts.
	CA, Cert, Key string
	// Insecure says that the server's certificate is not checked.
	Insecure bool
}

// Table has the parameters of t.
func (t *TLS) Table() param.Table {
	return param.Table{
		{Name: "unsafeSsl", To: &t.Insecure, Default: "false", About: "do not check the server's certificate"},
		{Name: "ca", From: param.Auth, To: &t.CA, Secret: true, About: "certificate authorities of the server in PEM, beside those of the system"},
		{Name: "cert", Aliases: []string{"Cert"}, From: param.Auth, To: &t.Cert, Secret: true, About: "client certificate in PEM"},
		{Name: "key", From: param.Auth, To: &t.Key, Secret: true, About: "its key in PEM, not encrypted"},
	}
}

// Check records the problems of t, for a trigger that uses it.
func (t *TLS) Check(p *param.Parsed) {
	if (t.Cert == "") != (t.Key == "") && p.AuthKnown() {
		p.Warn("cert", "cert and key are used together only, as by KEDA; one of them is missing in the trigger's authentication")
	}
	if _, err := t.authorities(); err != nil {
		p.Fail("ca", "the trigger's authentication %v", err)
	}
	if _, err := t.pair(); err != nil {
		p.Fail("cert", "the trigger's authentication %v", err)
	}
}

// Config is for connections to the host of that name. The name is empty where the connection knows it. t must have been
// checked.
func (t TLS) Config(host string) (*tls.Config, error) {
	roots, err := t.authorities()
	if err != nil {
		return nil, err
	}
	pairs, err := t.pair()
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: t.Insecure, RootCAs: roots, Certificates: pairs}, err
}

// authorities returns the CAs; nil means only the system's.
func (t TLS) authorities() (*x509.CertPool, error) {
	if t.CA == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(t.CA)) {
		return nil, errors.New("holds no PEM certificate in ca")
	}
	return pool, nil
}

func (t TLS) pair() ([]tls.Certificate, error) {
	if t.Cert == "" || t.Key == "" {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
	if err != nil { // the text of err may repeat the key
		return nil, errors.New("holds no PEM pair in cert and key")
	}
	return []tls.Certificate{pair}, nil
}
