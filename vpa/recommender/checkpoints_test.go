package recommender

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/vpa/recommend"
)

func checkpoint(vpa, container, version string) *vpav1.VerticalPodAutoscalerCheckpoint {
	midnight := metav1.NewTime(time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC))
	return &vpav1.VerticalPodAutoscalerCheckpoint{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: vpa + "-" + container, UID: "uid", Annotations: map[string]string{"team": "a"}},
		Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: vpa, ContainerName: container},
		Status: vpav1.VerticalPodAutoscalerCheckpointStatus{
			Version:          version,
			FirstSampleStart: metav1.NewTime(midnight.AddDate(0, 0, -7)), LastSampleStart: midnight, TotalSamplesCount: 10080,
			// A week at about 900m and 3Gi, as the original recommender writes it.
			CPUHistogram:    vpav1.HistogramCheckpoint{ReferenceTimestamp: midnight, BucketWeights: map[int]uint32{34: 10000}, TotalWeight: 100},
			MemoryHistogram: vpav1.HistogramCheckpoint{ReferenceTimestamp: midnight, BucketWeights: map[int]uint32{56: 10000}, TotalWeight: 20},
		},
	}
}

// A cluster that ran the original recommender: its history counts from the first round on.
func TestTakesOverCheckpoints(t *testing.T) {
	w := web(t, checkpoint("web", "app", "v3"))
	w.rounds(w.start(), 1)
	if got := w.target("web"); got != "app 1038m 3481230109" {
		t.Errorf("target is %s", got)
	}
	saved := w.checkpoints()["web-app"]
	if saved.Status.TotalSamplesCount != 10082 || saved.Annotations["team"] != "a" || saved.Annotations[recommend.WindowsAnnotation] == "" {
		t.Errorf("saved %+v", saved)
	}
}

// A bad checkpoint is reported and skipped; the other VPA's is used.
func TestBadCheckpointsAreSkipped(t *testing.T) {
	w := web(t, checkpoint("web", "app", "v7"), deployment("db"), autoscaler("db", "Deployment", "db"), checkpoint("db", "app", "v3"))
	w.rounds(w.start(), 1)
	if got := w.target("web"); got != "app 126m 380258472" {
		t.Errorf("with a checkpoint of another version: %s", got)
	}
	if got := w.target("db"); !strings.HasPrefix(got, "app 1038m") {
		t.Errorf("the good one: %s", got)
	}
	if said, ok := w.said("checkpoint shop/web-app", recommend.CheckpointRefused); !ok || !strings.Contains(said, `status.version is "v7"`) {
		t.Errorf("said %q", said)
	}
}

// Without its history a VPA is not planned: a fresh start would overwrite it.
func TestUnreadableCheckpointsHoldEverything(t *testing.T) {
	w := web(t, checkpoint("web", "app", "v3"))
	w.listFails = func(l client.ObjectList) error {
		if _, ok := l.(*vpav1.VerticalPodAutoscalerCheckpointList); ok {
			return errors.New("the server is overloaded")
		}
		return nil
	}
	r := w.start()
	w.rounds(r, 3)
	if err := r.Ready(); err == nil || !strings.Contains(err.Error(), "list VerticalPodAutoscalerCheckpoints: the server is overloaded") {
		t.Errorf("Ready is %v", err)
	}
	if w.patched.Load() != 0 {
		t.Error("a status was written without the history")
	}
	w.listFails = nil
	w.rounds(r, 1)
	if got := w.target("web"); !strings.HasPrefix(got, "app 1038m") || r.Ready() != nil {
		t.Errorf("afterwards: %s, %v", got, r.Ready())
	}
}

// A VPA that becomes ours while we run gets its history, too.
func TestALateVPAGetsItsCheckpoint(t *testing.T) {
	w := web(t, checkpoint("db", "app", "v3"), deployment("db"))
	r := w.start()
	w.rounds(r, 2)
	if err := w.client.Create(t.Context(), autoscaler("db", "Deployment", "db")); err != nil {
		t.Fatal(err)
	}
	w.rounds(r, 1)
	if got := w.target("db"); !strings.HasPrefix(got, "app 1038m") {
		t.Errorf("target is %s", got)
	}
}

func TestCheckpointsAreBoundedAndSpread(t *testing.T) {
	w := web(t, deployment("db"), autoscaler("db", "Deployment", "db"), pod("db", "db-1"))
	w.cores["db-1/app"] = 0.2
	w.cfg.CheckpointsPerRound = 1
	r := w.start()
	w.rounds(r, 1)
	if got := len(w.checkpoints()); got != 1 {
		t.Errorf("%d checkpoints after one round, want 1", got)
	}
	w.rounds(r, 1)
	if got := len(w.checkpoints()); got != 2 {
		t.Errorf("%d checkpoints after two rounds, want 2: the oldest goes first", got)
	}
	// Without new samples nothing is written.
	w.cores, w.bytes = nil, nil
	w.rounds(r, 2)
	before := w.checkpoints()
	w.rounds(r, 5)
	for name, c := range w.checkpoints() {
		if c.ResourceVersion != before[name].ResourceVersion {
			t.Errorf("%s was written although nothing was seen", name)
		}
	}
}

func TestCheckpointsOfVPAsThatAreGoneAreRemoved(t *testing.T) {
	theirs := autoscaler("theirs", "Deployment", "web")
	theirs.Spec.Recommenders = []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "other"}}
	w := web(t, checkpoint("web", "app", "v3"), checkpoint("gone", "app", "v3"), theirs, checkpoint("theirs", "app", "v3"))
	r := w.start()
	w.rounds(r, 10)
	if len(w.checkpoints()) != 3 {
		t.Errorf("checkpoints were removed before their time: %d are left", len(w.checkpoints()))
	}
	w.rounds(r, 2)
	all := w.checkpoints()
	if _, still := all["gone-app"]; still || len(all) != 2 {
		t.Errorf("left are %d checkpoints", len(all))
	}
}

func TestAnotherTargetBeginsAnew(t *testing.T) {
	w := web(t, deployment("db"), pod("db", "db-1"))
	w.cores["db-1/app"], w.bytes["db-1/app"] = 0.9, 3<<30
	r := w.start()
	w.rounds(r, 30)
	v := w.vpa("web")
	v.Spec.TargetRef.Name = "db"
	if err := w.client.Update(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	w.rounds(r, 1)
	if got := w.target("web"); !strings.HasPrefix(got, "app 1") || strings.HasPrefix(got, "app 126m") {
		t.Errorf("target is %s, still of the old Deployment", got)
	}
}

// The longer the history, the more rarely its checkpoint is written: a crash costs a hundredth of it at most.
func TestCheckpointsOfLongHistoriesAreWrittenRarely(t *testing.T) {
	for _, c := range []struct{ history, want time.Duration }{
		{0, time.Minute}, {time.Hour, time.Minute}, {200 * time.Minute, 2 * time.Minute}, {24 * time.Hour, 864 * time.Second}, {30 * 24 * time.Hour, time.Hour},
	} {
		w := web(t)
		r := w.start()
		w.rounds(r, 1)
		one := r.states[types.NamespacedName{Namespace: "shop", Name: "web"}].containers["app"]
		one.usage.First = w.clock.Add(-c.history)
		if got := r.checkpointAge(one, w.clock); got != c.want {
			t.Errorf("after %s: %s, want %s", c.history, got, c.want)
		}
		one.checkpoint.written, one.checkpoint.changes = w.clock, one.checkpoint.saved+1
		written := w.checkpoints()["web-app"].ResourceVersion
		for at := w.clock; w.clock.Before(at.Add(c.want - time.Second)); w.clock = w.clock.Add(time.Second) {
			r.wantCheckpoints(false)
			r.writers.checkpoints.Finish(t.Context())
		}
		if got := w.checkpoints()["web-app"].ResourceVersion; got != written {
			t.Errorf("after %s: written too soon", c.history)
		}
		w.clock = w.clock.Add(time.Second + c.want/50) // the history has grown
		r.wantCheckpoints(false)
		r.writers.checkpoints.Finish(t.Context())
		if got := w.checkpoints()["web-app"].ResourceVersion; got == written {
			t.Errorf("after %s: not written when it is due", c.history)
		}
	}
}
