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

// limitMemory sets the memory limit of the Go runtime to 90% of the container's. So the garbage collector works harder
// before the kernel kills the process. An operator's own GOMEMLIMIT stays.
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

// The heap grows by leastGrowth before a collection, or by half of the live heap if that is more. By default Go lets it
// double. In a large cluster the cache hardly ever changes, and the same amount again would be garbage.
const (
	leastGrowth  = 32 << 20
	leastPercent = 50
	goPercent    = 100
	tuneInterval = time.Second
)

// collectionPercent is how many percent a heap with so many live bytes may grow before the next collection.
func collectionPercent(live uint64) int {
	return int(min(max(leastGrowth*100/max(live, 1), leastPercent), goPercent))
}

// tuneCollection applies collectionPercent until ctx ends. An operator's own GOGC stays.
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

// containerMemory is the smallest memory.max of cgroup v2, or memory.limit_in_bytes of v1, of the process's cgroup and
// of its parents. A container sees its own cgroup at the top, where a path of the host does not exist.
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

// readLimit is the number of bytes in the file; none where the file is missing or says that there is no limit.
func readLimit(root fs.FS, name string) (bytes int64, set bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	const none = 1 << 60 // cgroup v1 writes the largest number of pages for no limit
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0 && n < none
}
