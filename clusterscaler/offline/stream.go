package offline

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/text/encoding/unicode"
)

// maxDump bounds a dump. Memory does not follow its size, but a pipe may never end.
const maxDump = 4 << 30

// stream splits a dump into its documents, and reads each piece by piece, so that the text need not be in memory.
type stream struct {
	in *bufio.Reader
	// line is that of the next byte, from 1, and begun says that it is not the first of its line.
	line  int
	begun bool
	// left is what stands behind the mark that began the document, and leftLine its line.
	left     []byte
	leftLine int
	// blank says that the document has had nothing but comments so far.
	blank bool
	// unread is what Read has still to give of a chunk.
	unread []byte
	// ended says that there is no more of the document, and err that there is no more at all.
	ended bool
	err   error
}

// newStream reads UTF-8 and UTF-16, with any line ends.
func newStream(r io.Reader) *stream {
	in := bufio.NewReaderSize(&bounded{r: r, left: maxDump}, 64<<10)
	head, _ := in.Peek(4) // its error comes again
	var text io.Reader = in
	zero := func(at ...int) bool { // and no other of the first four bytes is
		for i, b := range head {
			if (b == 0) != slices.Contains(at, i) {
				return false
			}
		}
		return len(head) == 4
	}
	switch {
	case bytes.Equal(head, []byte{0xff, 0xfe, 0, 0}), bytes.Equal(head, []byte{0, 0, 0xfe, 0xff}), zero(1, 2, 3), zero(0, 1, 2):
		text = failing{errors.New("is UTF-32; write it as UTF-8")}
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}), zero(0, 2):
		text = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(in)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), zero(1, 3):
		text = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(in)
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3) // they are there
	}
	return &stream{in: bufio.NewReaderSize(&lines{r: text}, 64<<10), line: 1, ended: true}
}

// next goes to the next document that is more than comments. It is false where there is none.
func (s *stream) next() bool {
	if !s.ended {
		for _, ok := s.chunk(); ok; _, ok = s.chunk() {
		}
	}
	s.ended, s.blank, s.unread = s.over(), true, nil
	return !s.ended
}

// chunk is the next piece of the document: a line, or a part of a long one. It is valid until the next call.
func (s *stream) chunk() (text []byte, ok bool) {
	if len(s.left) > 0 {
		text, s.left = s.left, nil
		s.blank = false
		return text, true
	}
	for !s.ended && s.err == nil {
		first, line := !s.begun, s.line
		text, err := s.in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			s.err = err
		}
		if s.begun = err == bufio.ErrBufferFull; err == nil {
			s.line++
		}
		switch {
		case first && isMark(text, "---"), first && isMark(text, "..."):
			rest := text[3:]
			if !onlyComment(rest) {
				s.left, s.leftLine = append([]byte("   "), rest...), line // the columns stay
			}
			s.ended = true
			return nil, false
		case first && s.blank && bytes.HasPrefix(text, []byte("%YAML")):
			continue
		case len(text) > 0:
			s.blank = s.blank && first && onlyComment(text)
			return text, true
		}
	}
	s.ended = true
	return nil, false
}

// begin is the line where what is next of the document stands.
func (s *stream) begin() int {
	if len(s.left) > 0 {
		return s.leftLine
	}
	return s.line
}

// isMark is whether the line begins with the mark, alone or before a blank.
func isMark(line []byte, mark string) bool {
	rest, is := bytes.CutPrefix(line, []byte(mark))
	return is && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n')
}

// onlyComment is whether the line, or what is left of it, says nothing.
func onlyComment(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) == 0 || text[0] == '#'
}

// over is whether nothing follows the document.
func (s *stream) over() bool { return s.err != nil && len(s.left) == 0 }

// failure is why the dump could not be read to its end, if it could not.
func (s *stream) failure() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// text is the document, up to about so many bytes; whole says that this is all of it.
func (s *stream) text(limit int) (text []byte, whole bool) {
	for len(text) <= limit {
		chunk, ok := s.chunk()
		if !ok {
			return text, true
		}
		text = append(text, chunk...)
	}
	return text, false
}

// Read gives what is left of the document.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.unread) == 0 {
		chunk, ok := s.chunk()
		if !ok {
			return 0, cmp.Or(s.failure(), io.EOF)
		}
		s.unread = chunk
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

// bounded fails where a dump is too large.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("has more than %d GiB; leave out kinds that are not read, and what kubectl prints of them: `kubectl get … -o json | jq -c 'del(.items[].metadata.managedFields)'`", maxDump>>30)
	}
	return n, err
}

// failing is what cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// lines ends each line with \n, which YAML and JSON take \r\n and \r for too.
type lines struct {
	r io.Reader
	// after says that the last byte was a \r.
	after bool
}

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	out := p[:0]
	for _, c := range p[:n] {
		switch {
		case c == '\n' && l.after:
		case c == '\r':
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
		l.after = c == '\r'
	}
	return len(out), err
}
