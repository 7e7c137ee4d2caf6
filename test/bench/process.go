package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what the kernel counts for a process.
type usage struct {
	// cpu is the time on all cores, in user and in system mode.
	cpu time.Duration
	// resident is its memory now, peak the most that it ever was.
	resident, peak int64
}

// processUsage reads /proc.
func processUsage(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, err
	}
	return parseUsage(string(stat), string(status))
}

// parseUsage takes fields 14 and 15 of stat, in hundredths of a second, and VmRSS and VmHWM of status, in kB.
func parseUsage(stat, status string) (u usage, err error) {
	const tick = 10 * time.Millisecond                              // USER_HZ is 100 on every architecture that Go runs on
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:]) // the name before may hold anything
	if len(fields) < 13 {
		return u, fmt.Errorf("/proc stat is not understood: %q", stat)
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return u, fmt.Errorf("/proc stat is not understood: %q", stat)
		}
		u.cpu += time.Duration(ticks) * tick
	}
	for _, line := range strings.Split(status, "\n") {
		for name, into := range map[string]*int64{"VmRSS:": &u.resident, "VmHWM:": &u.peak} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				if _, err := fmt.Sscanf(rest, "%d kB", into); err != nil {
					return u, fmt.Errorf("/proc status is not understood: %q", line)
				}
				*into *= 1024
			}
		}
	}
	return u, nil
}

// apiCalls counts the requests of one user to the API server by verb.
type apiCalls map[string]int

func (c apiCalls) since(before apiCalls) apiCalls {
	out := apiCalls{}
	for verb, n := range c {
		if n > before[verb] {
			out[verb] = n - before[verb]
		}
	}
	return out
}

func (c apiCalls) total() (n int) {
	for _, calls := range c {
		n += calls
	}
	return n
}

// readAudit counts what the user asked for according to the audit log and those rotated away from it.
func readAudit(path, user string) (apiCalls, error) {
	files, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "*.log")
	if err != nil {
		return nil, err
	}
	calls := apiCalls{}
	for _, file := range files {
		if err := calls.read(file, user); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

func (c apiCalls) read(path, user string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Stage, Verb string
			User        struct{ Username string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("audit log: %w", err)
		}
		// A watch is told of twice, when it begins and when it ends.
		if e.User.Username == user && (e.Verb != "watch" || e.Stage == "ResponseStarted") {
			c[e.Verb]++
		}
	}
	return lines.Err()
}
