package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestUsageIsReadFromProc(t *testing.T) {
	t.Parallel()
	const stat = "42 (a (strange) name) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1 1 1"
	got, err := parse(stat, "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t   512 kB\n")
	want := Usage{CPU: 3 * time.Second, Resident: 1 << 20, Peak: 2 << 20, Anonymous: 512 << 10}
	if err != nil || got != want {
		t.Errorf("is %+v, %v, want %+v", got, err, want)
	}
	if _, err := parse("42 (x) S 1", ""); err == nil {
		t.Error("a short line is understood")
	}
	own, err := Of(os.Getpid())
	if err != nil || own.Resident <= 0 || own.Peak < own.Resident {
		t.Errorf("of this process: %+v, %v", own, err)
	}
}

func TestAuditedCallsAreCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := func(user, verb, stage string) string {
		return fmt.Sprintf(`{"stage":%q,"verb":%q,"user":{"username":%q},"objectRef":{"resource":"pods","subresource":"status"}}`+"\n", stage, verb, user)
	}
	for name, text := range map[string]string{
		"audit.log":                         line("me", "watch", "ResponseStarted") + line("me", "watch", "ResponseComplete") + line("you", "list", "ResponseComplete"),
		"audit-2026-01-01T00-00-00.000.log": line("me", "list", "ResponseComplete") + line("me", "list", "ResponseComplete"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	calls, err := Audited(filepath.Join(dir, "audit.log"), "me")
	if want := (Calls{"watch pods/status": 1, "list pods/status": 2}); err != nil || !reflect.DeepEqual(calls, want) {
		t.Fatalf("are %v, %v, want %v", calls, err, want)
	}
	if since := calls.Since(Calls{"watch pods/status": 1, "list pods/status": 1}); since.Total() != 1 || since.ByVerb()["list"] != 1 {
		t.Errorf("since then: %v, want one list", since)
	}
}
