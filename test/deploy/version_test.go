package deploy

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/programs"
)

// What `make build` and `docker build` make says which version it is: that of the tag, or the one that was given. Both
// commands run as they stand, the image's in the folder that .dockerignore leaves, with a go that only tells how it was called.
func TestBuildsAreStampedWithTheVersion(t *testing.T) {
	t.Parallel()
	image, origin := imageCommand(t), tagged(t, "v9.8.7")
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		command []string
		env     string
		want    string
	}{
		"make":         {command: []string{"make", "build"}, want: "v9.8.7"},
		"make, given":  {command: []string{"make", "build", "VERSION=v1.0.0"}, want: "v1.0.0"},
		"make, edited": {prepare: edited, command: []string{"make", "build"}, want: "v9.8.7-dirty"},
		"image":        {prepare: dockerignore, command: image, want: "v9.8.7"},
		"image, given": {prepare: dockerignore, command: image, env: "VERSION=v1.0.0", want: "v1.0.0"},
		"image, edited": {prepare: func(t *testing.T, dir string) { dockerignore(t, dir); edited(t, dir) },
			command: image, want: "v9.8.7-dirty"},
		// In a worktree .git names a folder that the image does not have, and an unpacked archive has none.
		"image, worktree": {prepare: func(t *testing.T, dir string) {
			withoutGit(t, dir)
			write(t, filepath.Join(dir, ".git"), "gitdir: /nowhere\n")
		},
			command: image, want: ""},
		"image, archive": {prepare: withoutGit, command: image, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run(t, dir, nil, "git", "clone", "--quiet", origin, dir)
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			called := buildArguments(t, dir, c.command, c.env)
			if !strings.Contains(called, "-X main.version="+c.want+"\n") {
				t.Errorf("go is called with\n%s", called)
			}
			// git's absence or refusal must not end the build.
			if !strings.Contains(called, "-buildvcs=false") {
				t.Errorf("go asks git itself:\n%s", called)
			}
		})
	}
}

// The variable is the one that the binary prints.
func TestTheStampIsPrinted(t *testing.T) {
	t.Parallel()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "trimtab")
	run(t, root, nil, "go", "build", "-buildvcs=false", "-ldflags", "-s -w -X main.version=v9.8.7-3-g0123456", "-o", binary, "./cmd/trimtab")
	if said := run(t, root, nil, binary, "version"); !strings.HasPrefix(said, "trimtab v9.8.7-3-g0123456 (go") {
		t.Errorf("version says %q", said)
	}
}

// tagged is a copy of the checkout with one commit, which has the tag.
func tagged(t *testing.T, tag string) string {
	t.Helper()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		target := filepath.Join(dir, rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".cache":
			return filepath.SkipDir
		case d.Name() == ".git": // a file in a worktree
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		default:
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, data, 0o644)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	git := []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}
	run(t, dir, git, "git", "init", "--quiet")
	run(t, dir, git, "git", "add", "--all")
	run(t, dir, git, "git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message=all")
	run(t, dir, git, "git", "tag", tag)
	return dir
}

// dockerignore removes from dir what is not sent to the container engine.
func dockerignore(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	for pattern := range strings.Lines(string(data)) {
		if pattern = strings.TrimSpace(pattern); strings.HasPrefix(pattern, "#") {
			continue
		}
		if !regexp.MustCompile(`^[\w./-]+$`).MatchString(pattern) {
			t.Fatalf("the test does not know the pattern %q", pattern)
		}
		if err := os.RemoveAll(filepath.Join(dir, pattern)); err != nil {
			t.Fatal(err)
		}
	}
}

func edited(t *testing.T, dir string) {
	t.Helper()
	write(t, filepath.Join(dir, "README.md"), "edited\n")
}

func withoutGit(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
}

// imageCommand is how the Dockerfile builds the binary.
func imageCommand(t *testing.T) []string {
	t.Helper()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^RUN (.* go build .*)$`).FindSubmatch(data)
	if found == nil || !strings.Contains(string(data), "\nARG VERSION") {
		t.Fatalf("the Dockerfile is not as expected:\n%s", data)
	}
	return []string{"/bin/sh", "-c", string(found[1])}
}

// buildArguments runs a command in dir, and gives what go was called with, a line each, its flags from the environment too.
func buildArguments(t *testing.T, dir string, command []string, env string) string {
	t.Helper()
	fake := t.TempDir()
	write(t, filepath.Join(fake, "go"), "#!/bin/sh\nif [ \"$1\" = version ]; then echo go version go1.26.0; exit; fi\nprintf '%s\\n' \"$@\" \"$GOFLAGS\" > "+fake+"/called\n")
	if err := os.Chmod(filepath.Join(fake, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, []string{"PATH=" + fake + ":" + os.Getenv("PATH"), "GOFLAGS=", "MAKEFLAGS=", "VERSION=", env}, command...)
	called, err := os.ReadFile(filepath.Join(fake, "called"))
	if err != nil {
		t.Fatal(err)
	}
	return string(called)
}

// run gives what a command prints; that it fails ends the test.
func run(t *testing.T, dir string, env []string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}
