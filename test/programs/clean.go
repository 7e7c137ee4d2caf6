package programs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Clean ends every process that runs from the checkout's CacheDir or works on files in it, and removes
// the folder. Programs that stand elsewhere ($TRIMTAB_PROGRAMS) stay.
func Clean(out io.Writer) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	if ended := endProcesses(cache); ended > 0 {
		fmt.Fprintf(out, "ended %d processes\n", ended)
	}
	return os.RemoveAll(cache)
}

// endProcesses kills what runs from below dir, or has a path below it among its arguments.
func endProcesses(dir string) (ended int) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range processes {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil || pid == os.Getpid() {
			continue
		}
		exe, _ := os.Readlink(filepath.Join(proc, "exe"))
		arguments, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		if !strings.HasPrefix(exe, dir+"/") && !bytes.Contains(arguments, []byte(dir+"/runs/")) {
			continue
		}
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			ended++
		}
	}
	return ended
}
