package scalers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/journal"
	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/logs"
)

// lines is a log that is read while readings that nobody waits for still write it.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// withTold makes the harness keep all output: its log of all levels, and Events as the API server gets them.
func (h *harness) withTold() *lines {
	log := &lines{}
	logger := logs.New(log, slog.LevelDebug, false)
	h.Scalers.log = logger
	h.journal = journal.New(100, logger, prometheus.NewRegistry(), h.time)
	h.journal.Document(part, Codes())
	h.Scalers.journal = h.journal
	h.kube.Events = kube.Bounded(h.recorder)
	return log
}

// told is the text of the Events since the last call, and of what the journal shows.
func (h *harness) told() (events []string, decisions string) {
	for len(h.recorder.Events) > 0 {
		events = append(events, <-h.recorder.Events)
	}
	w := httptest.NewRecorder()
	h.journal.ServeHTTP(w, httptest.NewRequest("GET", "/debug/decisions?format=json", nil))
	return events, w.Body.String()
}

// Objects whose mistakes or failures fill megabytes leave little behind, and their owners read what is wrong.
func TestAFloodOfTextsStaysSmallEverywhere(t *testing.T) {
	t.Parallel()
	flood, long := strings.Repeat("flööd\n", 5<<20/8), strings.Repeat("flööd\n", 1<<11) // as long as a trigger may be
	for name, c := range map[string]struct {
		change func(*harness, *keda.ScaledObject)
		want   string
	}{
		"unknown keys": {func(_ *harness, so *keda.ScaledObject) {
			for i := range 99 {
				so.Spec.Triggers[0].Metadata[fmt.Sprintf("key%d", i)] = "geheim"
			}
		}, "trigger 0 (queue): key0, key1, key10, key11, key12, key13, key14, key15, key16, key17, and 89 more: unknown parameters, ignored as by KEDA; known here: key, target"},
		"thousands of unknown keys": {func(_ *harness, so *keda.ScaledObject) {
			for i := range 5000 {
				so.Spec.Triggers[0].Metadata[fmt.Sprintf("key%d", i)] = "geheim"
			}
		}, "and 4990 more: unknown parameters, ignored as by KEDA; known here: key, target"},
		"unknown keys in many triggers": {func(_ *harness, so *keda.ScaledObject) {
			for i := range 29 {
				so.Spec.Triggers = append(so.Spec.Triggers, keda.ScaleTriggers{Type: "queue", Metadata: map[string]string{"key": fmt.Sprint("a", i), "typo": "x"}})
			}
		}, "trigger 2 (queue): typo: unknown parameter, ignored as by KEDA; known here: key, target"},
		"a type and a name": {func(_ *harness, so *keda.ScaledObject) {
			so.Spec.Triggers[0].Type, so.Spec.Triggers[0].Name = long, long
		}, "is not supported; docs/scalers has a page"},
		"values":               {func(_ *harness, so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["target"] = long }, "is not a number"},
		"the name of a metric": {func(_ *harness, so *keda.ScaledObject) { so.Spec.Triggers[0].Metadata["key"] = long }, "bytes, and 1024 are allowed"},
		"a formula": {func(_ *harness, so *keda.ScaledObject) {
			so.Spec.Advanced = &keda.AdvancedConfig{ScalingModifiers: keda.ScalingModifiers{Formula: long, Target: "1"}}
		}, "is not supported; write one trigger"},
		"an error of the source": {func(h *harness, _ *keda.ScaledObject) { h.failures["a"] = errors.New("cause " + flood) }, "s0-queue-a: cause flööd; flööd"},
		"errors of many triggers": {func(h *harness, so *keda.ScaledObject) {
			for i := range 30 {
				key := fmt.Sprint("a", i)
				h.failures[key] = errors.New("cause")
				so.Spec.Triggers = append(so.Spec.Triggers, keda.ScaleTriggers{Type: "queue", Metadata: map[string]string{"key": key}})
			}
		}, "s10-queue-a9: cause; and 20 more; replicas are held"},
		"an error of the API server": {func(h *harness, so *keda.ScaledObject) {
			h.values["a"] = 1
			h.refuse = errors.New("admission webhook denied the request: " + flood)
		}, "admission webhook denied the request: flööd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			so := scaledObject(t, web)
			h := newHarness(t)
			h.Scalers.cfg.MaxTriggerParameters, h.Scalers.cfg.MaxTriggerBytes = 1<<20, 1<<30 // texts are bounded by themselves
			log := h.withTold()
			c.change(h, so)
			if err := h.client.Create(t.Context(), so); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				h.poll(2 * time.Minute)
			}
			ready := h.condition(keda.ConditionReady)
			if !strings.Contains(ready, c.want) {
				t.Errorf("the owner reads %.2000s", ready)
			}
			status, err := json.Marshal(h.object().Status)
			if err != nil {
				t.Fatal(err)
			}
			events, decisions := h.told()
			_, asked := h.metric("s0-queue-a")
			for what, of := range map[string]struct {
				text string
				most int
			}{
				"status": {string(status), 20 << 10}, "log": {log.String(), 16 << 10}, "decisions": {decisions, 32 << 10}, "answer": {fmt.Sprint(asked), 1200},
			} {
				if len(of.text) > of.most {
					t.Errorf("%s: %d bytes: %.300s", what, len(of.text), of.text)
				}
			}
			if len(events) == 0 {
				t.Error("no Event")
			}
			for _, e := range events {
				if len(e) > 1024+60 {
					t.Errorf("an Event of %d bytes", len(e))
				}
			}
		})
	}
}

// Whoever edits a Deployment, an HPA or a TriggerAuthentication again and again makes no copies of all the objects that
// name it: they may be many, and a megabyte each.
func TestEditsOfWhatManyObjectsNameCopyNone(t *testing.T) {
	h := newHarness(t, scaledObject(t, web))
	for i := range 10 {
		m := metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: int64(i)}
		h.loop.mends(byTarget("Deployment")).OnAdd(&appsv1.Deployment{ObjectMeta: m}, false)
		h.loop.mends(byAuthentication).OnAdd(&keda.TriggerAuthentication{ObjectMeta: m}, false)
		h.loop.queueOwners(&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: m})
	}
	if err := h.loop.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.copied > 0 {
		t.Errorf("ScaledObjects were copied for %d lists", h.copied)
	}
}
