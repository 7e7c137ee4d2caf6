package programs

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells what a build does, how far it is and how long it took so far: on a terminal in one
// line that changes, elsewhere in a line each quarter of a minute.
type progress struct {
	out      io.Writer
	title    string
	terminal bool
	began    time.Time
	shown    time.Time
	// quiet is how long a build may take without a word: what is quick is not worth a line.
	quiet time.Duration

	downloaded, compiled, total int
}

func newProgress(out io.Writer, title string) *progress {
	return &progress{out: out, title: title, terminal: IsTerminal(out), began: time.Now()}
}

// IsTerminal says whether out is a screen that a person looks at.
func IsTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// compile begins the part in which packages are counted.
func (p *progress) compile(total int) {
	p.total = total
	p.show(true)
}

// saw takes a line of the go command's, and says whether it was one about progress.
func (p *progress) saw(line string) bool {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.downloaded++
	case p.total > 0 && !strings.ContainsAny(line, " #:"): // go build -v prints a package a line
		p.compiled++
	default:
		return false
	}
	p.show(false)
	return true
}

func (p *progress) waiting() { p.line("waiting for another build of it", false) }

func (p *progress) show(now bool) {
	if p.total == 0 {
		p.line(fmt.Sprintf("downloaded %d modules", p.downloaded), now)
		return
	}
	p.line(fmt.Sprintf("compiled %d of at most %d packages", p.compiled, p.total), now)
}

func (p *progress) done() {
	if p.shown.IsZero() {
		return
	}
	start := ""
	if p.terminal {
		start = "\r\033[K"
	}
	fmt.Fprintf(p.out, "%s%s: built in %s\n", start, p.title, p.elapsed())
}

func (p *progress) elapsed() time.Duration { return time.Since(p.began).Round(time.Second) }

func (p *progress) line(what string, now bool) {
	every := 15 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if !now && time.Since(p.shown) < every || time.Since(p.began) < p.quiet {
		return
	}
	p.shown = time.Now()
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[K%s: %s, %s", p.title, what, p.elapsed())
		return
	}
	fmt.Fprintf(p.out, "%s: %s, %s\n", p.title, what, p.elapsed())
}
