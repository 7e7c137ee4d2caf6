package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/trimtab/trimtab/internal/text"
)

// written are the Events that stand there once want is among them, with their counts.
func written(t *testing.T, client *fake.Clientset, want string) map[string]int32 {
	t.Helper()
	var out map[string]int32
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		out = map[string]int32{}
		for _, e := range list.Items {
			out[e.InvolvedObject.Name+" "+e.Type+" "+e.Reason+": "+e.Message] = e.Count
		}
		_, stands := out[want]
		return stands, nil
	})
	if err != nil {
		t.Fatalf("%q is not written: %v\n%s", want, err, strings.Join(slices.Sorted(maps.Keys(out)), "\n"))
	}
	return out
}

// What is said last of an object stands there, whatever was said of it before for the same reason; what is said again is
// counted, and a flood of it is held back.
func TestEventsTellTheNewest(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	w := newEventWriter(client.CoreV1())
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(w.Shutdown)
	recorder := w.recorder(scheme)
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	}
	say := func(name, note string) {
		recorder.Eventf(pod(name), nil, corev1.EventTypeNormal, "NotTriggerScaleUp", "ScaleUp", "%s", note)
	}
	say("web", "a: MaxGroupSizeReached")
	say("web", "a: BackedOff")
	say("web", "a: MaxGroupSizeReached")
	say("db", "a: BackedOff")
	got := written(t, client, "db Normal NotTriggerScaleUp: a: BackedOff")
	for want, count := range map[string]int32{"web Normal NotTriggerScaleUp: a: MaxGroupSizeReached": 2, "web Normal NotTriggerScaleUp: a: BackedOff": 1} {
		if got[want] != count {
			t.Errorf("%q stands there %d times in %v", want, got[want], got)
		}
	}
	for i := range 100 {
		say("flood", "the same")
		say("torrent", fmt.Sprint("number ", i))
	}
	got = written(t, client, "torrent Normal NotTriggerScaleUp: (combined from similar events): number 99")
	if n := got["flood Normal NotTriggerScaleUp: the same"]; n < 2 || n > 50 {
		t.Errorf("the same was written %d times", n)
	}
	if len(got) > 20 {
		t.Errorf("%d Events of four pods: %v", len(got), got)
	}
}

// The API server takes notes of 1024 bytes; a longer one is cut between two characters.
func TestNotesOfEventsAreBounded(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	w := newEventWriter(client.CoreV1())
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(w.Shutdown)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	note := strings.Repeat("ä\n", 2<<20)
	w.recorder(scheme).Eventf(pod, nil, corev1.EventTypeWarning, "Failed", "Read", "cause: %s", note)
	for said := range written(t, client, "web Warning Failed: "+text.Line("cause: "+note)) {
		said = strings.TrimPrefix(said, "web Warning Failed: ")
		if len(said) > 1024 || !utf8.ValidString(said) || strings.Contains(said, "\n") {
			t.Errorf("%d bytes: %q", len(said), said)
		}
	}
}

// What is said last before the end is written before Shutdown returns, also where the API server takes its time.
func TestTheEndWaitsForEvents(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	client.PrependReactor("create", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		time.Sleep(20 * time.Millisecond)
		return false, nil, nil
	})
	w := newEventWriter(client.CoreV1())
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	recorder := w.recorder(scheme)
	for i := range 5 {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("pod-", i)}}
		recorder.Eventf(pod, nil, corev1.EventTypeNormal, "TriggeredScaleUp", "ScaleUp", "the last word")
	}
	w.Shutdown()
	list, err := client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 5 {
		t.Errorf("%v; %d of 5 Events are written", err, len(list.Items))
	}
}
