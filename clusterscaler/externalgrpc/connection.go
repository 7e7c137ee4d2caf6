package externalgrpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/cloudconfig"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

const (
	// maxAnswer bounds an answer: 16 MiB hold the instances of a hundred thousand nodes.
	maxAnswer = 16 << 20
	// maxHeaders bounds the headers of an answer, where an error's text stands too; the library's own bound is 16 MiB.
	maxHeaders = 64 << 10
	// keepaliveTime is longer than the five minutes below which a server may take pings for an attack. What matters
	// more is that with it the kernel gives up a connection whose data nobody acknowledges for keepaliveTimeout; else a
	// server that vanished without a word would be waited for a quarter of an hour.
	keepaliveTime    = 6 * time.Minute
	keepaliveTimeout = 10 * time.Second
	// reconnectDelay is the longest wait between two attempts to connect: about a loop.
	reconnectDelay = 10 * time.Second
)

// connect makes a connection that is opened with the first call.
func connect(cfg Config, mayWrite func() error) (*grpc.ClientConn, error) {
	creds := credentials.TransportCredentials(insecure.NewCredentials())
	if !cfg.plain() {
		host, _, err := net.SplitHostPort(cfg.Address)
		if err != nil {
			return nil, err
		}
		files := &fileCredentials{key: cfg.Key, cert: cfg.Cert, ca: cfg.CACert, serverName: host}
		if _, err := files.load(); err != nil {
			return nil, err
		}
		creds = files
	}
	policy, err := retryPolicy()
	if err != nil {
		return nil, err
	}
	delay := backoff.DefaultConfig
	delay.MaxDelay = reconnectDelay
	// The address is resolved for each connection, and may be an IPv6 address with a zone, which has to be escaped.
	target := "passthrough:///" + (&url.URL{Path: cfg.Address}).EscapedPath()
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(creds),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultServiceConfig(policy),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: delay, MinConnectTimeout: max(cloudconfig.DefaultTimeout, cfg.Timeout.Std())}),
		grpc.WithUserAgent("trimtab"),
		grpc.WithUnaryInterceptor(refuse(mayWrite)),
	)
}

// harmless are the calls that change nothing.
func harmless() []string {
	return []string{
		"NodeGroups", "NodeGroupForNode", "Refresh", "NodeGroupTargetSize", "NodeGroupNodes", "NodeGroupTemplateNodeInfo",
		"NodeGroupGetOptions", "PricingNodePrice",
	}
}

// refuse lets no call through that may change something, unless mayWrite is nil or says nil. It is the last that a call
// passes before it is sent.
func refuse(mayWrite func() error) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, do grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if mayWrite != nil && !slices.Contains(harmless(), path.Base(method)) {
			if err := mayWrite(); err != nil {
				return status.Error(codes.FailedPrecondition, err.Error())
			}
		}
		return do(ctx, method, in, out, conn, opts...)
	}
}

// retryPolicy lets harmless calls be made up to three times, within their time limit, when the connection
// breaks. NodeGroupIncreaseSize, NodeGroupDeleteNodes and NodeGroupDecreaseTargetSize are made once: an answer that got
// lost says nothing of what was done.
func retryPolicy() (string, error) {
	type name struct {
		Service string `json:"service"`
		Method  string `json:"method"`
	}
	var names []name
	for _, method := range harmless() {
		names = append(names, name{protocol.CloudProvider_ServiceDesc.ServiceName, method})
	}
	policy := map[string]any{"methodConfig": []any{map[string]any{
		"name": names,
		"retryPolicy": map[string]any{
			"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 3.0,
			"retryableStatusCodes": []string{"UNAVAILABLE"},
		},
	}}}
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("retry policy: %w", err)
	}
	return string(text), nil
}
