package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// maxInputBytes is the maximum size of one input file.
const maxInputBytes = 64 << 20

// standardInput is the name in errors for the file "-".
const standardInput = "standard input"

// readInput reads a file, or standard input for "-". name is the name for errors; err does not repeat it.
func readInput(path string, s stdio) (name string, data []byte, err error) {
	if path != "-" {
		data, err = readFile(path)
		return path, data, err
	}
	data, err = readBounded(s.in)
	return standardInput, data, err
}

// openInput is readInput for a file of any size, which is read as a stream.
func openInput(path string, s stdio) (name string, r io.ReadCloser, err error) {
	if path == "-" {
		return standardInput, io.NopCloser(s.in), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return path, nil, withoutPath(err)
	}
	return path, unnamed{f}, nil
}

// unnamed is a file whose errors do not contain its name.
type unnamed struct{ *os.File }

func (f unnamed) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, withoutPath(err)
}

// readFile reads a file of at most maxInputBytes; the error does not name it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	data, err := readBounded(f)
	return data, withoutPath(err)
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInputBytes+1))
	if err == nil && len(data) > maxInputBytes {
		err = fmt.Errorf("it has more than %d bytes", maxInputBytes)
	}
	return data, err
}

func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}

// errReadTwice is wrong usage.
var errReadTwice error = usageError{errors.New("standard input (-) can be read only once")}

// readTwice is true if more than one of the files is standard input.
func readTwice(paths []string) bool {
	at := slices.Index(paths, "-")
	return at >= 0 && slices.Contains(paths[at+1:], "-")
}
