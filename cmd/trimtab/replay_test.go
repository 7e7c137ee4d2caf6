package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/record"
	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

const snapshotFile = "testdata/snapshot/shop.jsonl"

// shopRecord is a small cluster: a node with a pod, a pod that needs a node, and one whose node has been requested before.
func shopRecord(version string) *record.Record {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	created := metav1.NewTime(now.Add(-time.Hour))
	offer := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("110")}
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", CreationTimestamp: created, Labels: map[string]string{corev1.LabelHostname: "n1", "team": "payments"}}}
	n.Status.Capacity, n.Status.Allocatable = offer, offer
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: created}}
	pod := func(name, node, cpu string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: created}}
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: new(true)}}
		p.Spec.NodeName = node
		p.Spec.Containers = []corev1.Container{{Name: "web", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}}
		if node == "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
		}
		return p
	}
	template := scheduling.NodeOf(n)
	r := &record.Record{Version: version, Policy: plan.DefaultPolicy(), Memory: plan.Memory{}.ScaledUp("general", now.Add(-time.Minute))}
	r.Memory.Planned = map[string]*plan.Placement{"shop/web-2": {Group: "general", Since: now.Add(-time.Minute)}}
	r.Seen = kube.Observation{
		Objects: &kube.Objects{Nodes: []*corev1.Node{n}, Pods: []*corev1.Pod{pod("web-1", "n1", "3"), pod("web-2", "", "3"), pod("web-3", "", "3")}},
		Groups:  []plan.Group{{Belief: fleet.Belief{Name: "general", Max: 5, Target: 2}, Template: template, Capacity: template.Allocatable}},
		GroupOf: map[string]string{"n1": "general"}, Now: now, ExamplesFor: time.Minute,
	}
	p, _ := r.Decide()
	r.Outcome = record.OutcomeOf(p)
	return r
}

func fileOf(t *testing.T, r *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := record.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The example file of the pages is that of this format.
func TestExampleSnapshot(t *testing.T) {
	golden(t, snapshotFile, fileOf(t, shopRecord(currentVersion())))
}

// Replayed it says what `trimtab simulate cluster` would, for people and for programs.
func TestReplay(t *testing.T) {
	got := runTrimtab(t, "", "replay", snapshotFile)
	if got.code != exitDone || got.err != "" || !strings.Contains(got.out, "general  2 -> 3 for 1 pod: shop/web-3") || !strings.Contains(got.out, "shop/web-2: FitsUpcomingNode") {
		t.Errorf("%+v", got)
	}
	got = runTrimtab(t, fileOf(t, shopRecord(currentVersion())), "replay", "-o", "json", "-")
	var answer clusterAnswer
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil || got.code != exitDone || len(answer.ScaleUp) != 1 || len(answer.Pending) != 2 {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestReplayTellsWhatDiffersAndWhatIsWrong(t *testing.T) {
	differs := shopRecord(currentVersion())
	differs.Outcome.ScaleUp = nil
	for name, c := range map[string]struct {
		file string
		code int
		want []string
	}{
		"another version": {fileOf(t, shopRecord("v0.0.7")), exitDone, []string{`standard input: warning: trimtab "v0.0.7" decided, and this is `}},
		"another plan":    {fileOf(t, differs), exitWrong, []string{"it was decided differently: scaleUp[0]: was nothing, is {"}},
		"another format":  {strings.Replace(fileOf(t, shopRecord("v9")), `"format":1`, `"format":9`, 1), exitWrong, []string{"standard input: line 1", `format 9`, `"v9"`}},
		"no snapshot":     {"apiVersion: v1\nkind: List\n", exitWrong, []string{"standard input: it is no snapshot"}},
	} {
		got := runTrimtab(t, c.file, "replay", "-")
		if got.code != c.code {
			t.Errorf("%s: exit %d: %s", name, got.code, got.err)
		}
		for _, want := range c.want {
			if !strings.Contains(got.err, want) {
				t.Errorf("%s: %q, want %q", name, got.err, want)
			}
		}
	}
	for _, args := range [][]string{{"replay"}, {"replay", "a", "b"}, {"replay", "-o", "yaml", "a"}, {"snapshot", "a"}, {"snapshot", "--anonymize", "a", "b"}} {
		if got := runTrimtab(t, "", args...); got.code != exitUsage {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// Names of a file that somebody else wrote control no terminal, and make no lines of their own.
func TestReplayShowsForeignNames(t *testing.T) {
	t.Parallel()
	r := shopRecord(currentVersion())
	const evil = "\x1b[2J\nGroups"
	r.Seen.Objects.Nodes[0].Name += evil
	r.Seen.GroupOf = map[string]string{"n1" + evil: "general" + evil}
	r.Seen.Groups[0].Name += evil
	r.Policy.Headroom = []plan.Headroom{{Name: "spare" + evil, Count: 1}}
	for _, p := range r.Seen.Objects.Pods {
		p.Namespace += evil
		p.Name += evil
	}
	r.Outcome = nil
	got := runTrimtab(t, fileOf(t, r), "replay", "-")
	if got.code != exitDone || strings.Contains(got.out, "\x1b") || strings.Count(got.out, "\nGroups") != 1 || strings.Count(got.out, `\x1b[2J\nGroups`) < 5 {
		t.Errorf("%+v", got)
	}
}

// An anonymized snapshot decides the same, and has none of the names.
func TestSnapshotUnderOtherNames(t *testing.T) {
	got := runTrimtab(t, "", "snapshot", "--anonymize", snapshotFile)
	if got.code != exitDone || got.err != "" {
		t.Fatalf("%+v", got)
	}
	for _, name := range []string{"shop", "web", "payments", "general", `"n1"`} {
		if strings.Contains(got.out, name) {
			t.Errorf("%s is left: %s", name, got.out)
		}
	}
	again := runTrimtab(t, got.out, "replay", "-")
	if again.code != exitDone || again.err != "" || !strings.Contains(again.out, "group-1  2 -> 3 for 1 pod: namespace-1/pod-3") {
		t.Errorf("%+v", again)
	}
}

// The debug page and the command that reads it, plain and compressed.
func TestSnapshotOfTheRunning(t *testing.T) {
	server := httptest.NewServer(streamSnapshot(func() (*record.Record, error) { return shopRecord(""), nil }))
	defer server.Close()
	want, err := os.ReadFile(snapshotFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := runTrimtab(t, "", "snapshot", "--server", server.URL); got.code != exitDone || got.out != string(want) {
		t.Errorf("%+v", got)
	}
	got := runTrimtab(t, "", "snapshot", "--gzip", "--server", server.URL)
	path := filepath.Join(t.TempDir(), "snapshot.gz")
	if err := os.WriteFile(path, []byte(got.out), 0o600); err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(strings.NewReader(got.out))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(plain); err != nil || string(text) != string(want) {
		t.Errorf("%v: %s", err, text)
	}
	if got := runTrimtab(t, "", "replay", path); got.code != exitDone {
		t.Errorf("%+v", got)
	}
}

// What is no snapshot is not printed as one, and a server that falls silent is not waited for.
func TestSnapshotOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "{", "<html>log in</html>"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		got := runTrimtab(t, "", "snapshot", "--server", server.URL)
		server.Close()
		if got.code != exitWrong || got.out != "" || !strings.Contains(got.err, "it is no snapshot") {
			t.Errorf("%q: %+v", answer, got)
		}
	}
	r, w := io.Pipe()
	silent := time.AfterFunc(time.Hour, func() { _ = w.CloseWithError(errSilent) })
	go func() { _, _ = io.WriteString(w, "a part") }()
	if text, err := io.ReadAll(&answering{ReadCloser: r, silent: silent, patience: time.Millisecond}); !errors.Is(err, errSilent) {
		t.Errorf("%q, %v", text, err)
	}
}

// One reader at a time, each part with a time of its own, and a reader sees that a snapshot was cut off.
func TestSnapshotPage(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	busy := httptest.NewServer(streamSnapshot(func() (*record.Record, error) {
		close(entered)
		<-leave
		return nil, errors.New("no loop yet")
	}))
	defer busy.Close()
	first := make(chan trimtab, 1)
	go func() { first <- runTrimtab(t, "", "snapshot", "--server", busy.URL) }()
	<-entered
	if got := runTrimtab(t, "", "snapshot", "--server", busy.URL); got.code != exitWrong || !strings.Contains(got.err, "another snapshot is being read") {
		t.Errorf("a second reader: %+v", got)
	}
	close(leave)
	if got := <-first; got.code != exitWrong || !strings.Contains(got.err, "503") || !strings.Contains(got.err, "no loop yet") {
		t.Errorf("before the first loop: %+v", got)
	}
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		streamSnapshot(func() (*record.Record, error) { return shopRecord(""), nil })(&failing{ResponseWriter: w}, r)
	}))
	defer cut.Close()
	if got := runTrimtab(t, "", "snapshot", "--server", cut.URL); got.code != exitWrong || !strings.Contains(got.err, "EOF") {
		t.Errorf("cut off: %+v", got)
	}
	deadlines := &failing{ResponseWriter: httptest.NewRecorder(), takes: true}
	streamSnapshot(func() (*record.Record, error) { return shopRecord(""), nil })(deadlines, httptest.NewRequest(http.MethodGet, "/debug/snapshot", nil))
	if deadlines.set == 0 {
		t.Error("the time that the reader has is that of the server for all pages")
	}
}

// failing counts deadlines. It takes no more than a part of what is written, unless it takes all.
type failing struct {
	http.ResponseWriter
	takes bool
	set   int
}

func (f *failing) SetWriteDeadline(time.Time) error { f.set++; return nil }

func (f *failing) Write(b []byte) (int, error) {
	if f.takes {
		return f.ResponseWriter.Write(b)
	}
	_, _ = f.ResponseWriter.Write(b[:len(b)/2])
	_ = http.NewResponseController(f.ResponseWriter).Flush()
	return 0, errors.New("the connection is gone")
}
