package clusterscaler

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

var (
	errThrottled = status.Error(grpccodes.ResourceExhausted, "rate exceeded")
	errNotFound  = status.Error(grpccodes.NotFound, "no such group")
)

// cloud is the part before a fake server, over TLS with certificates of both sides, and a fake API server. The groups a
// and b have up to ten nodes of four cores; a is the expander's choice among equals.
type cloud struct {
	t        *testing.T
	server   *externalgrpctest.Fake
	api      client.Client
	cfg      config.Config
	part     *ClusterScaler
	events   *events.FakeRecorder
	registry *prometheus.Registry

	mu    sync.Mutex
	clock time.Time
}

func (c *cloud) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

func newCloud(t *testing.T, objects ...client.Object) *cloud {
	t.Helper()
	authority, folder := externalgrpctest.NewAuthority(t), t.TempDir()
	externalgrpctest.WriteFiles(t, folder, authority, authority)
	c := &cloud{t: t, server: externalgrpctest.Start(t, authority.ServerTLS(t, authority)), clock: startTime()}
	c.server.Change(func(s *externalgrpctest.Fake) {
		for _, id := range []string{"a", "b"} {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: id, MaxSize: 10})
			s.Templates[id] = c.template(func(*corev1.Node) {})
		}
	})
	cfg, err := decode(strings.NewReplacer("ADDRESS", c.server.Address, "FOLDER", folder).Replace(
		"{provider: externalgrpc, nodeDeleteDelayAfterTaint: 0s, externalGrpc: {address: 'ADDRESS', cacert: FOLDER/ca, cert: FOLDER/cert, key: FOLDER/key, timeout: 2s}}"))
	if err != nil {
		t.Fatal(err)
	}
	c.api = fake.NewClientBuilder().WithObjects(objects...).
		WithIndex(&corev1.Pod{}, "spec.nodeName", func(o client.Object) []string { return []string{o.(*corev1.Pod).Spec.NodeName} }).Build()
	c.cfg = cfg
	c.restart()
	return c
}

// restart puts a new process in the place of the one before.
func (c *cloud) restart() {
	c.t.Helper()
	reg, log := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	c.events = events.NewFakeRecorder(1000)
	part, err := New(c.cfg, Deps{
		Kube:    &sharedkube.Kube{Client: c.api, Live: c.api, Events: c.events},
		Journal: journal.New(1000, log, reg, c.now), Log: log, Registry: reg, Now: c.now,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.part, c.registry = part, reg
}

// template is a serialized node of four cores with a change.
func (c *cloud) template(change func(*corev1.Node)) []byte {
	c.t.Helper()
	n := &corev1.Node{Status: corev1.NodeStatus{Capacity: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("58"),
	}}}
	change(n)
	data, err := n.Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// instance is a machine of the cloud; code is that of an error, or empty.
func instance(name string, state protocol.InstanceStatus_InstanceState, code string) *protocol.Instance {
	return &protocol.Instance{Id: "cloud://" + name, Status: &protocol.InstanceStatus{
		InstanceState: state, ErrorInfo: &protocol.InstanceErrorInfo{ErrorCode: code, ErrorMessage: "no machines left", InstanceErrorClass: 1},
	}}
}

// joins lets a machine of a group run and register as a node.
func (c *cloud) joins(group, name string) {
	c.t.Helper()
	n := &corev1.Node{}
	if err := n.Unmarshal(c.template(func(*corev1.Node) {})); err != nil {
		c.t.Fatal(err)
	}
	n.Name, n.Spec.ProviderID, n.CreationTimestamp = name, "cloud://"+name, metav1.NewTime(c.now())
	n.Labels = map[string]string{corev1.LabelHostname: name}
	n.Status.Allocatable = n.Status.Capacity
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if err := c.api.Create(context.Background(), n); err != nil {
		c.t.Fatal(err)
	}
	c.server.Change(func(s *externalgrpctest.Fake) {
		s.Nodes[name] = group
		s.Instances[group] = append(s.Instances[group], instance(name, protocol.InstanceStatus_instanceRunning, ""))
	})
}

// pod makes one of three cores, which waits where node is empty.
func (c *cloud) pod(name, node string) *corev1.Pod {
	c.t.Helper()
	p := pendingPod()
	p.Name, p.Spec.NodeName = name, node
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: new(true)}}
	if node != "" {
		p.Status.Conditions = nil
	}
	if err := c.api.Create(context.Background(), p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *cloud) remove(o client.Object) {
	c.t.Helper()
	if err := c.api.Delete(context.Background(), o); err != nil {
		c.t.Fatal(err)
	}
}

// loop lets that time pass, runs one loop and waits for the drains that it began. It returns the wait for the next.
func (c *cloud) loop(after time.Duration) time.Duration {
	c.t.Helper()
	c.mu.Lock()
	c.clock = c.clock.Add(after)
	c.mu.Unlock()
	wait := c.part.loop(context.Background())
	c.part.drainer.Wait()
	return wait
}

// want compares the sizes at the server with those wanted, as "a=1 b=0".
func (c *cloud) want(sizes, when string) {
	c.t.Helper()
	got := ""
	c.server.Change(func(s *externalgrpctest.Fake) { got = fmt.Sprintf("a=%d b=%d", s.Sizes["a"], s.Sizes["b"]) })
	if got != sizes {
		c.t.Errorf("%s: %s, want %s; %v", when, got, sizes, c.part.deps.Journal.Recent(journal.Filter{}))
	}
}

// said checks the last verdict on a subject.
func (c *cloud) said(subject string, parts ...string) {
	c.t.Helper()
	last := c.part.deps.Journal.Recent(journal.Filter{Subject: subject})
	if len(last) == 0 {
		c.t.Errorf("nothing is said of %s", subject)
		return
	}
	got := sprint(last)
	for _, part := range parts {
		if !strings.Contains(got, part) {
			c.t.Errorf("of %s: %s, want %s", subject, got, part)
		}
	}
}

func (c *cloud) change(f func(s *externalgrpctest.Fake)) { c.server.Change(f) }
