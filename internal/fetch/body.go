package fetch

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

var (
	// ErrTooLarge is the error of reading past the limit of a body.
	ErrTooLarge = errors.New("the answer is larger than allowed")
	// ErrEncoding is the error of a body with another compression than the requested one.
	ErrEncoding = errors.New("the answer has a Content-Encoding other than gzip, which alone is understood")
)

// Body is the text of an answer, decompressed. It returns ErrTooLarge if the text, or the compressed data, has more
// than limit bytes. So a gzip bomb ends there, and so does one that never produces text.
func Body(resp *http.Response, limit int64) (io.Reader, error) {
	sent := &bounded{src: resp.Body, left: limit}
	switch encoding := resp.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return sent, nil
	case "gzip":
		unzipped, err := gzip.NewReader(sent)
		if err != nil {
			return nil, err
		}
		return &bounded{src: unzipped, left: limit}, nil
	default:
		return nil, ErrEncoding
	}
}

// ReadBody reads the whole text of an answer.
func ReadBody(resp *http.Response, limit int64) ([]byte, error) {
	body, err := Body(resp, limit)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(body)
}

// bounded returns ErrTooLarge if src has more than left bytes, at the first read after them.
type bounded struct {
	src  io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	n, err := b.src.Read(p)
	b.left -= int64(n)
	return n, err
}

// Shape describes an unexpected answer by its type and size, without its text.
func Shape(resp *http.Response) string {
	size := "of unknown size"
	if resp.ContentLength >= 0 {
		size = fmt.Sprintf("of %d bytes", resp.ContentLength)
	}
	return mediaType(resp.Header.Get("Content-Type")) + " " + size
}

// mediaType is type/subtype, or says that there is none.
func mediaType(header string) string {
	name, _, _ := strings.Cut(header, ";")
	kind, subtype, _ := strings.Cut(strings.TrimSpace(name), "/")
	foreign := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("+-.", r))
	}
	if kind == "" || subtype == "" || len(name) > maxMediaType || strings.ContainsFunc(kind+subtype, foreign) {
		return "an answer of no media type"
	}
	return kind + "/" + subtype
}

// maxMediaType is longer than all registered types that matter here.
const maxMediaType = 80
