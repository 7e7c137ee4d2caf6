package recommender

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/prom"
	"github.com/trimtab/trimtab/vpa/recommend"
)

func TestRecommendsFromUsage(t *testing.T) {
	w := web(t)
	r := w.start()
	if err := r.Ready(); err == nil || err.Error() != "waits for the first round" {
		t.Errorf("before the first round: %v", err)
	}
	w.rounds(r, 1)
	if err := r.Ready(); err != nil {
		t.Errorf("after the first round: %v", err)
	}
	if got := w.target("web"); got != "app 126m 380258472" {
		t.Errorf("target is %s", got)
	}
	status := w.vpa("web").Status
	if len(status.Conditions) != 1 || status.Conditions[0].Type != vpav1.RecommendationProvided || status.Conditions[0].Status != corev1.ConditionTrue || *status.ObservedGeneration != 1 {
		t.Errorf("status is %+v", status)
	}
	if said, ok := w.said("vpa shop/web container app", recommend.Recommended); !ok || !strings.Contains(said, "cpu percentile 110m, cpu margin 16m") {
		t.Errorf("said %q", said)
	}
}

// The bounds move with every sample: after a week of history by far less than a percent, and so that is
// written once an hour only.
func TestDriftIsNotWritten(t *testing.T) {
	w := web(t, checkpoint("web", "app", "v3"))
	r := w.start()
	w.rounds(r, 1)
	before := w.patched.Load()
	w.rounds(r, 300)
	if written := w.patched.Load() - before; written < 4 || written > 6 {
		t.Errorf("%d writes in five hours of steady usage, want one an hour", written)
	}
	w.cfg.StatusPatience = 0
	before = w.patched.Load()
	w.rounds(w.start(), 20)
	if written := w.patched.Load() - before; written < 19 {
		t.Errorf("%d writes in 20 minutes without patience, want one a minute", written)
	}
}

func TestAFailingPrometheusChangesNothing(t *testing.T) {
	w := web(t)
	r := w.start()
	w.rounds(r, 5)
	before, patched := w.vpa("web"), w.patched.Load()
	w.queryFails = &prom.Error{Kind: prom.Unavailable, Server: "http://prometheus", Query: "q", Err: errors.New("connection refused")}
	if err := w.client.Delete(t.Context(), pod("web", "web-2")); err != nil {
		t.Fatal(err)
	}
	w.rounds(r, 30)
	if after := w.vpa("web"); after.ResourceVersion != before.ResourceVersion || w.patched.Load() != patched {
		t.Error("the status was written while Prometheus was down")
	}
	if said, ok := w.said("vpa round", recommend.UsageUnavailable); !ok || !strings.Contains(said, "connection refused") {
		t.Errorf("said %q", said)
	}
	if err := r.Ready(); err != nil {
		t.Errorf("a failure later is no reason to be not ready: %v", err)
	}
	w.queryFails = nil
	w.rounds(r, 1)
	if _, ok := w.said("vpa round", recommend.RoundDone); !ok || w.target("web") != "app 126m 380258472" {
		t.Errorf("after the failure: %s", w.target("web"))
	}
}

func TestIsNotReadyBeforeTheFirstPlan(t *testing.T) {
	w := web(t)
	w.queryFails = errors.New("no such host")
	r := w.start()
	w.rounds(r, 2)
	if err := r.Ready(); err == nil || err.Error() != "waits for Prometheus: no such host" {
		t.Errorf("Ready is %v", err)
	}
	if w.patched.Load() != 0 {
		t.Error("a status was written without knowing the usage")
	}
}

func TestWithoutPodsPrometheusIsNotAsked(t *testing.T) {
	w := newWorld(t, deployment("web"), autoscaler("web", "Deployment", "web"))
	r := w.start()
	w.rounds(r, 3)
	if w.queries != 0 || r.Ready() != nil {
		t.Errorf("%d queries, ready: %v", w.queries, r.Ready())
	}
	if !recommend.Condition(w.vpa("web").Status, vpav1.NoPodsMatched) || w.patched.Load() != 1 {
		t.Errorf("status %+v after %d writes", w.vpa("web").Status, w.patched.Load())
	}
}

func TestACheckpointKindWithoutVPAsIsFine(t *testing.T) {
	w := newWorld(t)
	w.listFails = func(l client.ObjectList) error {
		if _, ok := l.(*vpav1.VerticalPodAutoscalerList); ok {
			return &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}}
		}
		return nil
	}
	r := w.start()
	w.rounds(r, 1)
	if err := r.Ready(); err != nil {
		t.Error(err)
	}
	if _, ok := w.said("vpa objects", recommend.KindMissing); !ok {
		t.Error("nobody was told that the CRDs are missing")
	}
}

// Three bad objects and a good one: the good one gets its recommendation, each bad one its reason, once.
func TestOneBadObjectDoesNotStopTheOthers(t *testing.T) {
	owned := deployment("owned")
	owned.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "boss", Controller: new(true)}}
	noTarget := autoscaler("no-target", "", "")
	noTarget.Spec.TargetRef = nil
	w := web(t, owned, noTarget, autoscaler("a-gone", "Deployment", "gone"), autoscaler("a-custom", "Rollout", "x"), autoscaler("a-owned", "Deployment", "owned"))
	r := w.start()
	w.rounds(r, 3)
	if got := w.target("web"); got != "app 126m 380258472" {
		t.Errorf("the good one: %s", got)
	}
	for name, want := range map[string]string{
		"no-target": "Cannot read targetRef. Reason: spec.targetRef is missing",
		"a-gone":    "Cannot read targetRef. Reason: Deployment shop/gone does not exist",
		"a-custom":  `Cannot read targetRef. Reason: Rollout shop/x of apiVersion "apps/v1" is not supported; supported are Deployment,`,
		"a-owned":   "The target Deployment shop/owned is controlled by StatefulSet boss; the VPA should point to that controller",
	} {
		status := w.vpa(name).Status
		if !recommend.Condition(status, vpav1.ConfigUnsupported) || !strings.HasPrefix(status.Conditions[0].Message, want) {
			t.Errorf("%s: %+v", name, status.Conditions)
		}
	}
	close(w.events.Events)
	n := 0
	for e := range w.events.Events {
		if n++; !strings.HasPrefix(e, "Warning ConfigUnsupported ") {
			t.Errorf("event %q", e)
		}
	}
	if n != 4 {
		t.Errorf("%d Events, want one for each bad object", n)
	}
}

func TestOnlyOurObjectsAreTouched(t *testing.T) {
	ours, theirs := autoscaler("ours", "Deployment", "web"), autoscaler("theirs", "Deployment", "web")
	ours.Spec.Recommenders = []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "default"}}
	theirs.Spec.Recommenders = []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "other"}}
	w := web(t, ours, theirs)
	w.rounds(w.start(), 2)
	if w.target("ours") == "none" || w.target("web") == "none" || w.target("theirs") != "none" || len(w.vpa("theirs").Status.Conditions) != 0 {
		t.Errorf("ours %s, unnamed %s, theirs %s", w.target("ours"), w.target("web"), w.target("theirs"))
	}
	w.cfg.RecommenderName = "other"
	w.rounds(w.start(), 1)
	if w.target("theirs") == "none" {
		t.Error("the recommender named other does not answer for its object")
	}
	w.cfg.IgnoredVPAObjectNamespaces = []string{"shop"}
	patched := w.patched.Load()
	w.rounds(w.start(), 20)
	if w.patched.Load() != patched {
		t.Error("an ignored namespace was written to")
	}
}

// A pod that never had a sample keeps what was recommended, even in a new process without checkpoints.
func TestMissingUsageKeepsTheRecommendation(t *testing.T) {
	w := web(t)
	w.rounds(w.start(), 1)
	for name := range w.checkpoints() {
		c := w.checkpoints()[name]
		if err := w.client.Delete(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	w.cores, w.bytes = nil, nil
	w.rounds(w.start(), 20)
	if got := w.target("web"); got != "app 126m 380258472" {
		t.Errorf("without samples: %s", got)
	}
	if _, ok := w.said("vpa shop/web container app", recommend.NoSamples); !ok {
		t.Error("nobody was told that samples are missing")
	}
}

func TestAKillIsCountedOnceAlsoOverARestart(t *testing.T) {
	w := web(t)
	w.rounds(w.start(), 30)
	p := pod("web", "web-1")
	if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
		t.Fatal(err)
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", LastTerminationState: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", FinishedAt: metav1.NewTime(w.clock.Add(-time.Minute))},
	}}}
	if err := w.client.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r := w.start()
	w.rounds(r, 10)
	want := "app 126m 764046746" // 512Mi and a fifth, in its bucket, with the margin
	if got := w.target("web"); got != want {
		t.Errorf("after a kill at 512Mi: %s, want %s", got, want)
	}
	again := w.start()
	w.rounds(again, 10)
	if got := w.target("web"); got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}
	entries := 0
	for _, s := range again.states {
		for _, c := range s.containers {
			first, last := c.usage.Memory.Range()
			for b := first; b <= last; b++ {
				if c.usage.Memory.Weight(b) > 0 {
					entries++
				}
			}
		}
	}
	if entries != 2 {
		t.Errorf("the memory histogram has %d buckets, want those of the kill and of the other pod", entries)
	}
}

func TestRunEndsWithItsContextAndFlushes(t *testing.T) {
	w := web(t)
	w.cfg.CheckpointInterval *= 60
	r := w.start()
	w.rounds(r, 5)
	if got := w.checkpoints()["web-app"].Status.TotalSamplesCount; got != 2 {
		t.Errorf("the checkpoint has %d samples, want those of the first round: the next is due in an hour", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.checkpoints()["web-app"].Status.TotalSamplesCount; got != 10 {
		t.Errorf("the checkpoint has %d samples after the flush, want 10", got)
	}
}

// A failing first round is tried again soon, and the end of the process is not reported as a failure.
func TestRunTriesAgainUntilTheFirstPlan(t *testing.T) {
	w := web(t)
	w.cfg.RecommenderInterval = config.Duration(10 * time.Millisecond)
	r := w.start()
	ctx, cancel := context.WithCancel(t.Context())
	w.onQuery = func() error {
		switch w.queries {
		case 1, 2:
			return errors.New("starting up")
		case 5: // the round after the first good one
			cancel()
			return ctx.Err()
		}
		return nil
	}
	if err := r.Run(ctx); err != nil || r.Ready() != nil {
		t.Errorf("Run ends with %v, ready: %v", err, r.Ready())
	}
	for _, e := range w.journal.Recent(journal.Filter{Subject: "vpa round"})[:1] {
		if e.Code != recommend.RoundDone {
			t.Errorf("the last word is %s", e.Message)
		}
	}
}

func TestWarningsOfPrometheusAreTold(t *testing.T) {
	w := web(t)
	w.warnings = []string{"a shard did not answer"}
	w.rounds(w.start(), 1)
	if said, ok := w.said("vpa round", recommend.UsageIncomplete); !ok || !strings.Contains(said, "warning a shard did not answer") {
		t.Errorf("said %q", said)
	}
	if w.target("web") == "none" {
		t.Error("an answer with a warning is not used")
	}
}

// A target that cannot be read this time is not a mistake of the user: its VPA is left alone, with its
// history, and the others go on.
func TestATargetThatCannotBeReadNowIsLeftAlone(t *testing.T) {
	set := &appsv1.StatefulSet{ObjectMeta: deployment("db").ObjectMeta, Spec: appsv1.StatefulSetSpec{Selector: deployment("db").Spec.Selector}}
	w := web(t, set, pod("db", "db-1"), autoscaler("db", "StatefulSet", "db"))
	w.cores["db-1/app"], w.bytes["db-1/app"] = 0.9, 3<<30
	r := w.start()
	w.rounds(r, 3)
	before := w.vpa("db")
	w.getFails = func(o client.Object) error {
		if _, ok := o.(*appsv1.StatefulSet); ok {
			return errors.New("etcd has no leader")
		}
		return nil
	}
	w.rounds(r, 20)
	if after := w.vpa("db"); after.ResourceVersion != before.ResourceVersion {
		t.Errorf("the status was written: %+v", after.Status)
	}
	if said, ok := w.said("vpa shop/db", recommend.ObjectsUnavailable); !ok || !strings.Contains(said, "read the target StatefulSet shop/db: etcd has no leader") {
		t.Errorf("said %q", said)
	}
	w.getFails = nil
	w.rounds(r, 1)
	if samples := r.states[client.ObjectKeyFromObject(before)].containers["app"].usage.Samples; samples != 4 {
		t.Errorf("%d samples, want the three from before and one more", samples)
	}
}

func TestAStatusThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	w := web(t)
	w.patchFails = errors.New("admission webhook timed out")
	r := w.start()
	w.rounds(r, 2)
	if said, ok := w.said("vpa shop/web status", recommend.StatusFailed); !ok || !strings.Contains(said, "patch status of vpa shop/web: admission webhook timed out") {
		t.Errorf("said %q", said)
	}
	w.patchFails = nil
	w.rounds(r, 1)
	if w.target("web") == "none" {
		t.Error("the status was not written afterwards")
	}
}
