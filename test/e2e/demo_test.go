package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trimtab/trimtab/test/programs"
)

// demo is the program that `make demo` starts.
type demo struct {
	cmd    *exec.Cmd
	output *output
	done   chan error
}

// output collects what the program prints, and lets a test wait for a line.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "demo")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/demo")
	build.Dir = filepath.Join(root, "test")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the demo: %v\n%s", err, out)
	}
	d := &demo{cmd: exec.Command(binary, args...), output: &output{}, done: make(chan error, 1)}
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// wait gives the exit code.
func (d *demo) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-d.done:
		return d.cmd.ProcessState.ExitCode()
	case <-timer.C:
		t.Fatalf("the demo has not ended after %s; it said:\n%s", limit, d.output)
		return 0
	}
}

// leftovers lists the processes that still work on files of the lab that the demo started.
func (d *demo) leftovers(t *testing.T) []string {
	t.Helper()
	m := regexp.MustCompile(`KUBECONFIG=(\S+)/kubeconfig`).FindStringSubmatch(d.output.String())
	if m == nil {
		t.Fatalf("the demo did not print its KUBECONFIG:\n%s", d.output)
	}
	var found []string
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range processes {
		if raw, err := os.ReadFile(p); err == nil && bytes.Contains(raw, []byte(m[1])) {
			found = append(found, string(bytes.ReplaceAll(raw, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// The demo shows everything it promises, says why, and ends with exit 0 and nothing left behind.
func TestDemoOnce(t *testing.T) {
	d := startDemo(t, "--once")
	if code := d.wait(t, 15*time.Minute); code != 0 {
		t.Fatalf("exit %d; it said:\n%s", code, d.output)
	}
	said := d.output.String()
	t.Log("\n" + said)
	for _, line := range []string{
		`SuccessfulRescale horizontalpodautoscaler web: New size: \d+; reason: pods metric http_requests_per_second above target`,
		`TriggeredScaleUp pod web-\S+: .*(general|compute)`,
		`KEDAScaleTargetActivated scaledobject worker: .*from 0 to 1`,
		`KEDAScaleTargetDeactivated scaledobject worker: .* to 0`,
		`VPA +web: container web wants cpu \d+m`,
		`ScaleDown node (general|compute)\S+: `,
		`load rises -> 10 replicas +[\d.]+s`,
		`load falls -> nodes removed +[\d.]+s`,
		`trimtab uses \d+ MiB of memory; its binary has \d+ MiB`,
	} {
		if !regexp.MustCompile(line).MatchString(said) {
			t.Errorf("the demo did not say %q", line)
		}
	}
	if strings.Contains(said, "left out") {
		t.Error("a step was left out for want of a program")
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("processes are left behind:\n%s", strings.Join(left, "\n"))
	}
}

// An interrupt, or even a kill, at any time leaves no process behind.
func TestDemoInterrupted(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"by the keyboard": syscall.SIGINT, "by a kill": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			eventually(ctx, t, "the demo's cluster runs", func() bool { return strings.Contains(d.output.String(), "KUBECONFIG=") })
			if len(d.leftovers(t)) < 5 {
				t.Fatalf("only these processes run: %q", d.leftovers(t))
			}
			_ = d.cmd.Process.Signal(signal)
			d.wait(t, time.Minute)
			eventually(ctx, t, "its processes are gone", func() bool { return len(d.leftovers(t)) == 0 })
		})
	}
}

func eventually(ctx context.Context, t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}
