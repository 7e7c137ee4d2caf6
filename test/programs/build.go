package programs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Build makes sure that each program stands in Dir, and tells progress on out while it builds.
func Build(ctx context.Context, all []Program, out io.Writer) error {
	source, err := Source()
	if err != nil {
		return err
	}
	dir, err := Dir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, p := range all {
		folder, err := p.folder(source, dir)
		if err != nil {
			return fmt.Errorf("program %s: %w", p.Name, err)
		}
		if complete(folder, p) {
			continue
		}
		title := fmt.Sprintf("[%d/%d] %s", i+1, len(all), p.Name)
		if err := p.build(ctx, source, folder, newProgress(out, title)); err != nil {
			return fmt.Errorf("build %s: %w", p.Name, err)
		}
	}
	return nil
}

func complete(folder string, p Program) bool {
	for name := range p.Commands {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// build compiles into a folder beside the final one and moves it there when all of it is done.
func (p Program) build(ctx context.Context, source, folder string, progress *progress) error {
	unlock, err := lock(ctx, folder+".lock", progress)
	if err != nil {
		return err
	}
	defer unlock()
	if complete(folder, p) { // another builder was faster
		return nil
	}
	half := folder + ".half"
	if err := errors.Join(os.RemoveAll(half), os.MkdirAll(half, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(half)
	var packages []string
	for _, name := range sortedKeys(p.Commands) {
		packages = append(packages, p.Commands[name])
	}
	module := filepath.Join(source, p.Name)
	total, err := countPackages(ctx, module, p.Flags, packages, progress)
	if err != nil {
		return err
	}
	progress.compile(total)
	for _, name := range sortedKeys(p.Commands) {
		args := append([]string{"build", "-trimpath", "-v", "-o", filepath.Join(half, name)}, p.Flags...)
		if err := goCommand(ctx, module, progress, append(args, p.Commands[name])...); err != nil {
			return err
		}
	}
	if err := p.copyFiles(source, half); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(folder), os.Rename(half, folder)); err != nil {
		return err
	}
	progress.done()
	return nil
}

// countPackages is how many packages a build compiles at the most; it also downloads what is missing.
func countPackages(ctx context.Context, module string, flags, packages []string, progress *progress) (int, error) {
	args := []string{"list", "-deps"}
	if i := slices.Index(flags, "-tags"); i >= 0 {
		args = append(args, flags[i:i+2]...)
	}
	var list bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Stdout = &list
	if err := run(cmd, module, progress); err != nil {
		return 0, err
	}
	return bytes.Count(list.Bytes(), []byte("\n")), nil
}

// BuildOwn builds a command of the checkout: the package pkg of the module in dir, into CacheDir/bin. Its
// flags are those of a plain `go build`, so that tests and linters share what is compiled, and one that
// is there already is not linked again.
func BuildOwn(ctx context.Context, dir, pkg string, out io.Writer) (binary string, err error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	binary = filepath.Join(cache, "bin", filepath.Base(pkg))
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", err
	}
	progress := newProgress(out, filepath.Base(pkg))
	unlock, err := lock(ctx, binary+".lock", progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	return binary, compile(ctx, dir, progress, "-ldflags", "-s -w", "-o", binary, pkg)
}

// Compile compiles all packages of the checkout's module in dir, so that what follows can be quick; flags
// are those of go build. It is for its progress: go vet and go test would do the same in silence.
func Compile(ctx context.Context, dir string, out io.Writer, flags ...string) error {
	title := "compiling " + filepath.Join("trimtab", dir)
	if len(flags) > 0 {
		title += " " + strings.Join(flags, " ")
	}
	return compile(ctx, dir, newProgress(out, title), append(flags, "./...")...)
}

func compile(ctx context.Context, dir string, progress *progress, args ...string) error {
	root, err := Checkout()
	if err != nil {
		return err
	}
	progress.quiet = 2 * time.Second
	module := filepath.Join(root, dir)
	total, err := countPackages(ctx, module, nil, args[len(args)-1:], progress)
	if err != nil {
		return fmt.Errorf("%s: %w", progress.title, err)
	}
	progress.compile(total)
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-v"}, args...)...)
	if err := runWith(cmd, module, nil, progress); err != nil {
		return fmt.Errorf("%s: %w", progress.title, err)
	}
	progress.done()
	return nil
}

func goCommand(ctx context.Context, module string, progress *progress, args ...string) error {
	return run(exec.CommandContext(ctx, "go", args...), module, progress)
}

// run runs a go command for the programs, which need no C and so no compiler for it.
func run(cmd *exec.Cmd, module string, progress *progress) error {
	return runWith(cmd, module, []string{"CGO_ENABLED=0", "GOFLAGS=-mod=readonly"}, progress)
}

// runWith runs a go command, counts what it says it does, and keeps the rest for the error.
func runWith(cmd *exec.Cmd, module string, env []string, progress *progress) error {
	cmd.Dir = module
	// A workspace around the checkout is not ours.
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w (is Go on the PATH?)", err)
	}
	var said []string
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if progress.saw(lines.Text()) {
			continue
		}
		if said = append(said, lines.Text()); len(said) > 30 {
			said = said[1:]
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args[:2], " "), err, strings.Join(said, "\n"))
	}
	return nil
}

// lock takes the file lock at path, which the system lets go of when the process ends.
func lock(ctx context.Context, path string, progress *progress) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		progress.waiting()
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
