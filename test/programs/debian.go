package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Redis is a redis-server that can be started: the path, and what its environment needs.
type Redis struct {
	Path string
	Env  []string
}

// FindRedis gives the redis-server of this machine. Where none is installed it unpacks Debian's or
// Ubuntu's package, with what it needs, into Dir; that takes no root and changes nothing of the system.
func FindRedis(ctx context.Context, out io.Writer) (Redis, error) {
	if path, err := exec.LookPath("redis-server"); err == nil {
		return Redis{Path: path}, nil
	}
	dir, err := Dir()
	if err != nil {
		return Redis{}, err
	}
	root := filepath.Join(dir, "redis-debian")
	if r, ok := unpackedRedis(root); ok {
		return r, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return Redis{}, errors.New("redis-server is missing and there is no apt-get to bring it; install it with this system's package manager")
	}
	progress := newProgress(out, "redis-server")
	progress.line("unpacking the system's package", true)
	if err := unpack(ctx, root, "redis-server"); err != nil {
		return Redis{}, fmt.Errorf("redis-server is missing and its package cannot be unpacked (install it with: apt-get install redis-server): %w", err)
	}
	progress.done()
	r, ok := unpackedRedis(root)
	if !ok {
		return Redis{}, errors.New("the package redis-server brought no redis-server; install it with: apt-get install redis-server")
	}
	return r, nil
}

func unpackedRedis(root string) (Redis, bool) {
	path := filepath.Join(root, "usr/bin/redis-server") // a link to redis-check-rdb's binary in some versions
	if _, err := os.Stat(path); err != nil {
		return Redis{}, false
	}
	libraries, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*"))
	more, _ := filepath.Glob(filepath.Join(root, "lib/*-linux-gnu*"))
	return Redis{Path: path, Env: []string{"LD_LIBRARY_PATH=" + strings.Join(append(libraries, more...), ":")}}, true
}

// unpack downloads a package and those it needs that are not installed, and unpacks them into root.
func unpack(ctx context.Context, root, name string) error {
	half := root + ".half"
	state := filepath.Join(half, "apt")
	if err := errors.Join(os.RemoveAll(half), os.MkdirAll(filepath.Join(state, "lists/partial"), 0o755),
		os.MkdirAll(filepath.Join(state, "archives/partial"), 0o755), os.MkdirAll(filepath.Join(half, "root"), 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(half)
	apt := func(args ...string) error {
		// Its own state, so that no lock of the system is taken and no root is needed.
		options := []string{
			"-q", "-o", "Dir::State::lists=" + filepath.Join(state, "lists"), "-o", "Dir::Cache=" + state,
			"-o", "Dir::Cache::archives=" + filepath.Join(state, "archives"), "-o", "Debug::NoLocking=true",
			"-o", "APT::Sandbox::User=",
		}
		return quietly(exec.CommandContext(ctx, "apt-get", append(options, args...)...))
	}
	if err := apt("update"); err != nil {
		return err
	}
	if err := apt("install", "--download-only", "--no-install-recommends", "-y", name); err != nil {
		return err
	}
	packages, _ := filepath.Glob(filepath.Join(state, "archives", "*.deb"))
	for _, deb := range packages {
		if err := quietly(exec.CommandContext(ctx, "dpkg-deb", "-x", deb, filepath.Join(half, "root"))); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(root), os.Rename(filepath.Join(half, "root"), root))
}

func quietly(cmd *exec.Cmd) error {
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		tail := strings.TrimSpace(string(out))
		if i := len(tail) - 800; i > 0 {
			tail = "..." + tail[i:]
		}
		return fmt.Errorf("%s: %w: %s", cmd.Args[0], err, tail)
	}
	return nil
}
