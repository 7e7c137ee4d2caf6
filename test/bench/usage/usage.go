package usage

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what the kernel counts for a process.
type Usage struct {
	// CPU is the time on all cores, in user and in system mode.
	CPU time.Duration
	// Resident is its memory now, Peak the most that it ever was, in bytes.
	Resident, Peak int64
	// Anonymous is what of Resident is no page of a file, such as the program, which the kernel can drop.
	Anonymous int64
}

// Of reads /proc.
func Of(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	return parse(string(stat), string(status))
}

// parse takes fields 14 and 15 of stat, in hundredths of a second, and VmRSS, VmHWM and RssAnon of status, in kB.
func parse(stat, status string) (u Usage, err error) {
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
		u.CPU += time.Duration(ticks) * tick
	}
	for _, line := range strings.Split(status, "\n") {
		for name, into := range map[string]*int64{"VmRSS:": &u.Resident, "VmHWM:": &u.Peak, "RssAnon:": &u.Anonymous} {
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

// Calls counts the requests of one user to the API server by verb, resource and subresource: "update leases".
type Calls map[string]int

// Since is what has been asked since before.
func (c Calls) Since(before Calls) Calls {
	out := Calls{}
	for call, n := range c {
		if n > before[call] {
			out[call] = n - before[call]
		}
	}
	return out
}

// ByVerb adds up the resources of each verb.
func (c Calls) ByVerb() map[string]int {
	out := map[string]int{}
	for call, n := range c {
		verb, _, _ := strings.Cut(call, " ")
		out[verb] += n
	}
	return out
}

// Total is the number of all.
func (c Calls) Total() (n int) {
	for _, calls := range c {
		n += calls
	}
	return n
}

// Audited counts what the user asked for according to the audit log and those rotated away from it.
func Audited(log, user string) (Calls, error) {
	files, err := filepath.Glob(strings.TrimSuffix(log, ".log") + "*.log")
	if err != nil {
		return nil, err
	}
	calls := Calls{}
	for _, file := range files {
		if err := calls.read(file, user); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

func (c Calls) read(file, user string) error {
	f, err := os.Open(file)
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
			ObjectRef   struct{ Resource, Subresource string }
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("audit log: %w", err)
		}
		// A watch is reported twice, at its start and at its end.
		if e.User.Username == user && (e.Verb != "watch" || e.Stage == "ResponseStarted") {
			call := e.Verb
			if e.ObjectRef.Resource != "" {
				call += " " + path.Join(e.ObjectRef.Resource, e.ObjectRef.Subresource)
			}
			c[call]++
		}
	}
	return lines.Err()
}
