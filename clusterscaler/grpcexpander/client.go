package grpcexpander

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	corev1 "k8s.io/api/core/v1"

	"github.com/trimtab/trimtab/clusterscaler/grpcexpander/protocol"
	"github.com/trimtab/trimtab/internal/text"
)

const (
	// Timeout bounds a question, as in cluster-autoscaler.
	Timeout = 5 * time.Second
	// maxAnswer bounds an answer, and maxQuestion a question: a thousand groups with thousands of pods.
	maxAnswer   = 16 << 20
	maxQuestion = 64 << 20
	// maxHeaders bounds the headers of an answer, where an error's text stands too; the library's own bound is 16 MiB.
	maxHeaders = 64 << 10
)

// Config says where the expander is.
type Config struct {
	// URL is host:port. Mirrors --grpc-expander-url.
	URL string
	// Cert is the file of the certificate that vouches for the server. Mirrors --grpc-expander-cert.
	Cert string
}

// Option is to grow a group by so many nodes.
type Option struct {
	Group string
	Nodes int
	// Debug is what the option is worth, for people.
	Debug string
	Pods  []*corev1.Pod
	// Node is a new node of the group.
	Node *corev1.Node
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	url    string
	conn   *grpc.ClientConn
	client protocol.ExpanderClient
}

// New makes a client that connects with the first question. A certificate that cannot be read is an error.
func New(cfg Config) (*Client, error) {
	creds, err := credentials.NewClientTLSFromFile(cfg.Cert, "")
	if err != nil {
		return nil, fmt.Errorf("grpcExpanderCert %q: %w", cfg.Cert, err)
	}
	conn, err := grpc.NewClient("passthrough:///"+cfg.URL, grpc.WithTransportCredentials(creds), grpc.WithUserAgent("trimtab"), grpc.WithDisableServiceConfig(), grpc.WithMaxHeaderListSize(maxHeaders),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer), grpc.MaxCallSendMsgSize(maxQuestion)))
	if err != nil {
		return nil, fmt.Errorf("grpcExpanderUrl %s: %w", text.Quote(text.Address(cfg.URL)), err)
	}
	return &Client{url: text.Address(cfg.URL), conn: conn, client: protocol.NewExpanderClient(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// BestOptions returns the groups that the server prefers, of those of the options, at least one.
func (c *Client) BestOptions(ctx context.Context, options []Option) ([]string, error) {
	request := &protocol.BestOptionsRequest{NodeMap: make(map[string][]byte, len(options))}
	asked := make(map[string]bool, len(options))
	for i := range options {
		o := &options[i]
		asked[o.Group] = true
		wire := &protocol.Option{NodeGroupId: o.Group, NodeCount: int32(o.Nodes), Debug: o.Debug}
		for _, pod := range o.Pods {
			raw, err := pod.Marshal()
			if err != nil {
				return nil, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
			}
			wire.Pods = append(wire.Pods, raw)
		}
		raw, err := o.Node.Marshal()
		if err != nil {
			return nil, fmt.Errorf("template of group %s: %w", o.Group, err)
		}
		request.NodeMap[o.Group] = raw
		request.Options = append(request.Options, wire)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	answer, err := c.client.BestOptions(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("gRPC expander %s: %w", c.url, err)
	}
	var best []string
	for _, o := range answer.GetOptions() {
		if asked[o.GetNodeGroupId()] {
			best = append(best, o.GetNodeGroupId())
		}
	}
	if len(best) == 0 {
		return nil, fmt.Errorf("gRPC expander %s: of %d options it prefers none that it was asked about", c.url, len(options))
	}
	return best, nil
}
