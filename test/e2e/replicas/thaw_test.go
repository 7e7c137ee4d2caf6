package replicas

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/trimtab/trimtab/test/e2e/cluster"
	"github.com/trimtab/trimtab/test/lab"
)

// A node comes long after it was bought, so that whoever looks at the cluster meanwhile finds pods that need one.
const thawing = `
server: {address: "127.0.0.1:%d"}
clusterScaler:
  scanInterval: 1s
  kwok:
    groups:
    - {name: thaw, max: 9, launchDelay: 8s, template: {labels: {fault: thaw}, capacity: {cpu: "2", memory: 4Gi, pods: "20"}}}
`

// The leader freezes. Pods come, the other replica leads and buys their nodes. Then the first thaws, to which the pods are
// new: it buys nothing, writes nothing, and ends.
func TestAThawedLeaderWritesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	first := cluster.Start(ctx, t)
	first.Scale(ctx, t, fmt.Sprintf(thawing, first.Ports.HTTP))
	me := credentialOf(t, filepath.Join(first.Dir, "trimtab.kubeconfig"))
	second := *first
	var err error
	if second.Ports.HTTP, err = lab.FreePort(); err != nil {
		t.Fatal(err)
	}
	second.Scale(ctx, t, fmt.Sprintf(thawing, second.Ports.HTTP))
	if err := first.Trimtab.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	first.Deploy(ctx, t, "thaw", "thaw", 3, "1200m")
	second.Wait(ctx, t, "the other replica buys nodes", second.Decided("thaw", "ScaledUpGroup", ""))
	thawed := time.Now()
	if err := first.Trimtab.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Trimtab.Process.Done():
	case <-ctx.Done():
		t.Fatal("who thawed does not end")
	}
	ended := time.Now()
	second.Wait(ctx, t, "the nodes come", second.Has("thaw", 3))
	cluster.Stays(ctx, t, thawed.Add(15*time.Second).Sub(ended), second.Has("thaw", 3))
	if said := first.Trimtab.Process.Tail(3); !strings.Contains(said, "leadership lost: it is held by") {
		t.Errorf("it ended with:\n%s", said)
	}
	if said := first.Trimtab.Process.Tail(1000); strings.Contains(said, "code=TriggeredScaleUp") {
		t.Errorf("it told of nodes that it did not buy:\n%s", said)
	}
	if wrote := writesOf(t, first.AuditLog, me, thawed); len(wrote) > 0 {
		t.Errorf("in the %s from its thaw to its end it wrote:\n%s", ended.Sub(thawed), strings.Join(wrote, "\n"))
	}
	if wrote := writesOf(t, first.AuditLog, me, time.Time{}); len(wrote) == 0 {
		t.Error("the audit log does not show what the first replica wrote")
	}
	first.Trimtab = second.Trimtab
}

// credentialOf is the id by which the audit log calls the token of a kubeconfig: two replicas differ in nothing else.
func credentialOf(t *testing.T, kubeconfig string) string {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	_, payload, _ := strings.Cut(config.BearerToken, ".")
	payload, _, _ = strings.Cut(payload, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ JTI string }
	if err := json.Unmarshal(raw, &claims); err != nil || claims.JTI == "" {
		t.Fatalf("the token has no id: %v", err)
	}
	return "JTI=" + claims.JTI
}

// writesOf are the requests since then by which a replica changed something, but for Events and the Lease that it does not
// get any more.
func writesOf(t *testing.T, path, credential string, since time.Time) (wrote []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Verb, RequestURI         string
			RequestReceivedTimestamp time.Time
			User                     struct{ Extra map[string][]string }
			ObjectRef                struct{ Resource string }
			ResponseStatus           struct{ Code int }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("audit log: %v: %s", err, lines.Text())
		}
		mine := slices.Contains(e.User.Extra["authentication.kubernetes.io/credential-id"], credential)
		reads := slices.Contains([]string{"get", "list", "watch"}, e.Verb)
		harmless := e.ObjectRef.Resource == "events" || e.ObjectRef.Resource == "leases" && e.ResponseStatus.Code == 409
		if mine && !reads && !harmless && e.RequestReceivedTimestamp.After(since) {
			wrote = append(wrote, fmt.Sprintf("%s %s %s: %d", e.RequestReceivedTimestamp.Format(time.TimeOnly), e.Verb, e.RequestURI, e.ResponseStatus.Code))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return wrote
}
