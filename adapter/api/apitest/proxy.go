package apitest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// ProxyName is the common name that may act for other users, as the configmap says.
const ProxyName = "front-proxy"

// Authority signs certificates.
type Authority struct {
	// PEM is its own certificate.
	PEM string

	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	chain [][]byte // what a client shows after its own certificate
}

// NewAuthority makes a self-signed authority. All authorities have the same name, so that only the key distinguishes
// them.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{}
	template := authorityTemplate("proxy-ca")
	a.sign(t, template, template, nil)
	return a
}

// Under is an authority that this one has signed. Its clients show its certificate too.
func (a *Authority) Under(t testing.TB) *Authority {
	t.Helper()
	below := &Authority{}
	below.sign(t, authorityTemplate("intermediate"), a.cert, a.key)
	below.chain = append([][]byte{below.cert.Raw}, a.chain...)
	return below
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// sign makes the authority's key and certificate. Without a signer it signs itself.
func (a *Authority) sign(t testing.TB, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) {
	t.Helper()
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, a.key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Client is a certificate for a client of that name. change can change other fields before it is signed.
func (a *Authority) Client(t testing.TB, name string, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
	}
	for _, f := range change {
		f(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: key, Leaf: leaf}
}
