package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// limitMemory lets the garbage collector work harder before the kernel ends the process: its limit becomes 90% of that
// of the container. An operator's own GOMEMLIMIT stays.
func limitMemory(log *slog.Logger) {
	if _, own := os.LookupEnv("GOMEMLIMIT"); own {
		return // the Go runtime has read it
	}
	if limit, found := containerMemory(os.DirFS("/")); found {
		own := limit / 10 * 9
		debug.SetMemoryLimit(own)
		log.Info("the memory is limited", "container bytes", limit, "bytes", own)
	}
}

// The heap grows by leastGrowth before garbage is collected, or by half of what is in use if that is more. Go itself lets it
// double: of a large cluster's cache, which hardly ever changes, as much again would be garbage.
const (
	leastGrowth  = 32 << 20
	leastPercent = 50
	goPercent    = 100
	tuneInterval = time.Second
)

// collectionPercent is by how many percent a heap of which live bytes are in use may grow before the next collection.
func collectionPercent(live uint64) int {
	return int(min(max(leastGrowth*100/max(live, 1), leastPercent), goPercent))
}

// tuneCollection keeps the garbage collector at collectionPercent until ctx ends. An operator's own GOGC stays.
func tuneCollection(ctx context.Context) {
	if _, own := os.LookupEnv("GOGC"); own {
		return // the Go runtime has read it
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(tuneInterval)
	defer tick.Stop()
	for now := goPercent; ; {
		metrics.Read(live)
		if next := collectionPercent(live[0].Value.Uint64()); next != now {
			debug.SetGCPercent(next)
			now = next
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// containerMemory is the least memory.max of cgroup v2, or memory.limit_in_bytes of v1, of the cgroup of this process and
// of those above it. A container sees its own cgroup at the top, where a path of the host does not exist.
func containerMemory(root fs.FS) (bytes int64, found bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // ID:CONTROLLERS:PATH
		if len(fields) != 3 {
			continue
		}
		top, file := "sys/fs/cgroup", "memory.max"
		switch {
		case fields[0] == "0" && fields[1] == "":
		case strings.Contains(","+fields[1]+",", ",memory,"):
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for at := path.Join("/", fields[2]); ; at = path.Dir(at) {
			if limit, set := readLimit(root, path.Join(top, at, file)); set && (!found || limit < bytes) {
				bytes, found = limit, true
			}
			if at == "/" {
				break
			}
		}
	}
	return bytes, found
}

// readLimit is the number of bytes in the file; none where it is missing, or says that there is no limit.
func readLimit(root fs.FS, name string) (bytes int64, set bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	const none = 1 << 60 // cgroup v1 writes the largest number of pages for no limit
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0 && n < none
}
