package main

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
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
