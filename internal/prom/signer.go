package prom

import (
	"context"
	"fmt"
	"net/http"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/sigv4"
)

// signer signs requests with AWS's Signature Version 4. It looks for credentials at the first request, so that a
// metadata service that is not ready does not stop the start of the process.
type signer struct {
	cfg  sigv4.SigV4Config
	next http.RoundTripper
	// made has the signing transport, or nil while there is none. A receiver puts it back.
	made chan http.RoundTripper
}

func newSigner(cfg SigV4, next http.RoundTripper) *signer {
	s := &signer{
		cfg: sigv4.SigV4Config{
			Region: cfg.Region, AccessKey: cfg.AccessKey, SecretKey: promconfig.Secret(cfg.SecretKey),
			Profile: cfg.Profile, RoleARN: cfg.RoleARN,
		},
		next: next,
		made: make(chan http.RoundTripper, 1),
	}
	s.made <- nil
	return s
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	signing, err := s.signing(req.Context())
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	return signing.RoundTrip(req)
}

// signing is the signing transport. It waits for credentials no longer than ctx.
func (s *signer) signing(ctx context.Context) (http.RoundTripper, error) {
	select {
	case made := <-s.made:
		var err error
		if made == nil {
			if made, err = sigv4.NewSigV4RoundTripper(&s.cfg, s.next, sigv4.WithContext(ctx)); err != nil {
				made, err = nil, fmt.Errorf("sigv4: %w", err)
			}
		}
		s.made <- made
		return made, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// CloseIdleConnections closes idle connections.
func (s *signer) CloseIdleConnections() { closeIdle(s.next) }

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
