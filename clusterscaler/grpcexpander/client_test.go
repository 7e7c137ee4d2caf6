package grpcexpander

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander/protocol"
)

// server is an expander that answers as told.
type server struct {
	protocol.UnimplementedExpanderServer
	answer func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error)
}

func (s *server) BestOptions(ctx context.Context, r *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
	return s.answer(ctx, r)
}

// certificate is one for 127.0.0.1 that vouches for itself, and its file.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// serve starts the server and returns a client that trusts the certificate in the file, or the server's own.
func serve(t *testing.T, trusted string, answer func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error)) *Client {
	t.Helper()
	pair, file := certificate(t)
	if trusted == "" {
		trusted = file
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&pair)), grpc.MaxSendMsgSize(64<<20))
	protocol.RegisterExpanderServer(s, &server{answer: answer})
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	c, err := New(Config{URL: listener.Addr().String(), Cert: trusted})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

func options() []Option {
	pod, node := &corev1.Pod{}, &corev1.Node{}
	pod.Namespace, pod.Name, node.Name = "shop", "web-1", "template-of-a"
	return []Option{{Group: "a", Nodes: 2, Debug: "why", Pods: []*corev1.Pod{pod}, Node: node}, {Group: "b", Nodes: 1, Node: &corev1.Node{}}}
}

func preferring(groups ...string) *protocol.BestOptionsResponse {
	out := &protocol.BestOptionsResponse{}
	for _, g := range groups {
		out.Options = append(out.Options, &protocol.Option{NodeGroupId: g})
	}
	return out
}

// The question holds all that the protocol has, and the answer is taken.
func TestQuestionAndAnswer(t *testing.T) {
	c := serve(t, "", func(_ context.Context, r *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
		a := r.GetOptions()[0]
		var pod corev1.Pod
		var node corev1.Node
		if len(r.GetOptions()) != 2 || len(r.GetNodeMap()) != 2 || a.GetNodeGroupId() != "a" || a.GetNodeCount() != 2 || a.GetDebug() != "why" ||
			pod.Unmarshal(a.GetPods()[0]) != nil || pod.Name != "web-1" || pod.Namespace != "shop" || node.Unmarshal(r.GetNodeMap()["a"]) != nil || node.Name != "template-of-a" {
			return nil, errors.New("not the question")
		}
		return preferring("b", "unknown"), nil
	})
	if got, err := c.BestOptions(context.Background(), options()); err != nil || !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v, %v", got, err)
	}
}

// Each kind of trouble is an error that names the server and the cause.
func TestTrouble(t *testing.T) {
	_, other := certificate(t)
	for name, c := range map[string]struct {
		trusted string
		answer  func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error)
		want    string
	}{
		"error": {want: "no idea", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return nil, errors.New("no idea")
		}},
		"nothing": {want: "of 2 options it prefers none", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return preferring(), nil
		}},
		"unknown groups": {want: "of 2 options it prefers none", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return preferring("c", ""), nil
		}},
		"too much": {want: "received message larger than max", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return &protocol.BestOptionsResponse{Options: []*protocol.Option{{Debug: strings.Repeat("x", maxAnswer)}}}, nil
		}},
		"an error of megabytes": {want: "rpc error", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return nil, errors.New(strings.Repeat("x", 4<<20))
		}},
		"another's certificate": {trusted: other, want: "x509", answer: func(context.Context, *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
			return preferring("a"), nil
		}},
	} {
		got, err := serve(t, c.trusted, c.answer).BestOptions(context.Background(), options())
		if err == nil || !strings.Contains(err.Error(), "gRPC expander 127.0.0.1:") || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v, %.1000v; want %q", name, got, err, c.want)
		}
	}
}

// A server that does not answer is given a limited time, which the question tells it.
func TestTimeLimit(t *testing.T) {
	left := make(chan time.Duration, 1)
	c := serve(t, "", func(ctx context.Context, _ *protocol.BestOptionsRequest) (*protocol.BestOptionsResponse, error) {
		deadline, limited := ctx.Deadline()
		if !limited {
			return nil, errors.New("no limit")
		}
		left <- time.Until(deadline)
		return preferring("a"), nil
	})
	if _, err := c.BestOptions(context.Background(), options()); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d > Timeout {
		t.Errorf("%s are left", d)
	}
}

func TestCertificateIsRequired(t *testing.T) {
	_, err := New(Config{URL: "127.0.0.1:1", Cert: filepath.Join(t.TempDir(), "none.pem")})
	if err == nil || !strings.Contains(err.Error(), "grpcExpanderCert") || !strings.Contains(err.Error(), "none.pem") {
		t.Error(err)
	}
}
