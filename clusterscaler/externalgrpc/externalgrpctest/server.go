package externalgrpctest

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// Fake is a fake server. Its fields may be changed inside of Change only.
type Fake struct {
	protocol.UnimplementedCloudProviderServer

	// Address is host:port.
	Address string

	mu sync.Mutex
	// Groups are what NodeGroups lists.
	Groups []*protocol.NodeGroup
	// Sizes are the target sizes, and Lies has those that are told in their place.
	Sizes, Lies map[string]int32
	// Nodes has the group of each node, by name.
	Nodes map[string]string
	// Instances, Templates (serialized Nodes), Prices and Options are by group. A group without a template, price or
	// options has none.
	Instances map[string][]*protocol.Instance
	Templates map[string][]byte
	Prices    map[string]float64
	Options   map[string]*protocol.NodeGroupAutoscalingOptions
	// OldTemplates says that templates are told as servers did before cluster-autoscaler 1.35.
	OldTemplates bool
	// Fail answers a call, by its method or by method/group or method/node; nil lets it through.
	Fail map[string]error
	// Hang lets calls of a method, or of method/group, wait until the client gives up, and Lose of a method does what is asked and loses the answer.
	Hang, Lose map[string]bool
	// Calls counts those of each method, and Deleted has the nodes that NodeGroupDeleteNodes was told.
	Calls   map[string]int
	Deleted []*protocol.ExternalGrpcNode
	// Grown is called when a size has been raised by so many, and Removed when nodes of a group have been deleted, before
	// that is answered. Both may be nil, and may call Change.
	Grown   func(group string, by int)
	Removed func(nodes []*protocol.ExternalGrpcNode)
}

// Start runs a fake until the test ends, in plain text when encrypt is nil.
func Start(t testing.TB, encrypt *tls.Config) *Fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New()
	s.Address = listener.Addr().String()
	stop := s.Serve(t, listener, encrypt)
	t.Cleanup(stop)
	return s
}

// New is a fake without groups that is not served yet.
func New() *Fake {
	return &Fake{
		Sizes: map[string]int32{}, Lies: map[string]int32{}, Nodes: map[string]string{}, Instances: map[string][]*protocol.Instance{},
		Templates: map[string][]byte{}, Prices: map[string]float64{}, Options: map[string]*protocol.NodeGroupAutoscalingOptions{},
		Fail: map[string]error{}, Hang: map[string]bool{}, Lose: map[string]bool{}, Calls: map[string]int{},
	}
}

// Serve answers on the listener until stop is called, which cuts all connections.
func (s *Fake) Serve(t testing.TB, listener net.Listener, encrypt *tls.Config) (stop func()) {
	options := []grpc.ServerOption{grpc.UnaryInterceptor(s.before), grpc.MaxSendMsgSize(1 << 30)}
	if encrypt != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(encrypt)))
	}
	server := grpc.NewServer(options...)
	protocol.RegisterCloudProviderServer(server, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); err != nil {
			t.Errorf("the fake server: %v", err)
		}
	}()
	return func() {
		server.Stop()
		<-done
	}
}

// Change changes the fields in one step.
func (s *Fake) Change(f func(s *Fake)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// Called is how often a method was called.
func (s *Fake) Called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Calls[method]
}

// before counts a call, and fails or hangs it where told so.
func (s *Fake) before(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:]
	about := ""
	switch r := request.(type) {
	case interface{ GetId() string }:
		about = r.GetId()
	case *protocol.NodeGroupForNodeRequest:
		about = r.GetNode().GetName()
	}
	s.mu.Lock()
	s.Calls[method]++
	err, hang, lose := s.Fail[method], s.Hang[method] || s.Hang[method+"/"+about], s.Lose[method]
	if e := s.Fail[method+"/"+about]; e != nil {
		err = e
	}
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err != nil {
		return nil, err
	}
	answer, err := handle(ctx, request)
	if lose {
		return nil, status.Error(codes.Unavailable, "the connection broke")
	}
	return answer, err
}

// known is the group of that id, or the error of an unknown one.
func (s *Fake) known(id string) (*protocol.NodeGroup, error) {
	for _, g := range s.Groups {
		if g.GetId() == id {
			return g, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "there is no group %q", id)
}
