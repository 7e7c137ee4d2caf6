package main

import (
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

// The limit of the container is found in both versions of cgroups, as seen from inside it and from the host.
func TestContainerMemory(t *testing.T) {
	const nested = "/kubepods.slice/pod1.slice/c.scope"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64 // 0 for none
	}{
		{"no cgroups", nil, 0},
		{"v2, in a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"v2, no limit", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"v2, no file at the top of a machine", map[string]string{"proc/self/cgroup": "0::/init.scope\n"}, 0},
		{"v2, on the host: the least of those above counts", map[string]string{
			"proc/self/cgroup": "0::" + nested + "\n", "sys/fs/cgroup/kubepods.slice/memory.max": "8589934592\n",
			"sys/fs/cgroup/kubepods.slice/pod1.slice/memory.max": "536870912\n", "sys/fs/cgroup" + nested + "/memory.max": "max\n",
		}, 512 << 20},
		{"v2, a path of the host that the container does not see", map[string]string{
			"proc/self/cgroup": "0::/../.." + nested + "\n", "sys/fs/cgroup/memory.max": "536870912\n",
		}, 512 << 20},
		{"v1", map[string]string{
			"proc/self/cgroup":                             "12:cpu,cpuacct:/x\n5:memory:/docker/1\n1:name=systemd:/docker/1\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "536870912\n",
			"sys/fs/cgroup/memory.max":                     "1\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1\n",
		}, 512 << 20},
		{"v1, no limit", map[string]string{"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"nonsense", map[string]string{"proc/self/cgroup": "x\n\n0::/\n", "sys/fs/cgroup/memory.max": "many\n"}, 0},
		{"a limit of nothing is none", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "0\n"}, 0},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, found := containerMemory(root); found != (c.want != 0) || found && got != c.want {
			t.Errorf("%s: %d, %t, want %d", c.name, got, found, c.want)
		}
	}
}

// Who sets GOMEMLIMIT has the last word.
func TestOwnMemoryLimitStays(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	debug.SetMemoryLimit(math.MaxInt64)
	t.Setenv("GOMEMLIMIT", "off")
	var log strings.Builder
	limitMemory(slog.New(slog.NewTextHandler(&log, nil)))
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 || log.Len() > 0 {
		t.Errorf("limited to %d: %s", got, log.String())
	}
}

// A small heap doubles, as Go lets it; a large one grows by half.
func TestCollectionPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 1 << 20: 100, 32 << 20: 100, 40 << 20: 80, 64 << 20: 50, 1 << 30: 50, math.MaxUint64: 50} {
		if got := collectionPercent(live); got != want {
			t.Errorf("%d bytes: %d%%, want %d%%", live, got, want)
		}
	}
}

// Who sets GOGC has the last word.
func TestOwnCollectionStays(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "77")
	tuneCollection(t.Context())
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("is %d%%", got)
	}
}
