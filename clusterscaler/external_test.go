package clusterscaler

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
	"github.com/trimtab/trimtab/internal/journal"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// A pod without a node makes a group of an external server grow, past one of which the server cannot tell the size.
func TestLoopWithAnExternalServer(t *testing.T) {
	server := externalgrpctest.Start(t, nil)
	template := &corev1.Node{}
	template.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("58"),
	}
	data, err := template.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	server.Change(func(s *externalgrpctest.Fake) {
		for _, id := range []string{"pool/a", "pool/b"} {
			s.Groups = append(s.Groups, &protocol.NodeGroup{Id: id, MaxSize: 5})
			s.Templates[id] = data
		}
		s.Sizes["pool/a"] = -1
	})
	cfg, err := decode("provider: externalgrpc\nexternalGrpc: {address: '" + server.Address + "'}")
	if err != nil {
		t.Fatal(err)
	}
	reg, log, now := prometheus.NewRegistry(), slog.New(slog.DiscardHandler), func() time.Time { return startTime() }
	recorder := events.NewFakeRecorder(10)
	api := fake.NewClientBuilder().WithObjects(pendingPod()).Build()
	part, err := New(cfg, Deps{
		Kube: &sharedkube.Kube{Client: api, Live: api, Events: recorder}, Journal: journal.New(100, log, reg, now), Log: log, Registry: reg, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	part.loop(context.Background())
	if err := part.Ready(); err != nil {
		t.Fatal(err)
	}
	server.Change(func(s *externalgrpctest.Fake) {
		if s.Sizes["pool/b"] != 1 || s.Sizes["pool/a"] != -1 {
			t.Errorf("sizes %v", s.Sizes)
		}
	})
	if e := <-recorder.Events; !strings.Contains(e, "TriggeredScaleUp a node group grows for the pod: group pool/b") {
		t.Errorf("event %s", e)
	}
	decisions := sprint(part.deps.Journal.Recent(journal.Filter{Subject: "group pool/a"}))
	if !strings.Contains(decisions, "GroupInTrouble") || !strings.Contains(decisions, "-1 is no size of a group") {
		t.Errorf("decisions %s", decisions)
	}

	server.Change(func(s *externalgrpctest.Fake) { s.Hang["NodeGroups"] = true })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	part.loop(ctx)
	if n := server.Called("NodeGroupIncreaseSize"); n != 1 {
		t.Errorf("%d requests to grow; a server that hangs must change nothing", n)
	}
}
