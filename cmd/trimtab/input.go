package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// parse reads the flags of a command. done says that the command ends here, with code: after --help,
// or after a mistake, which is reported on one line.
func parse(fs *flag.FlagSet, usage string, args []string, s stdio) (code int, done bool) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	switch err := parseAnywhere(fs, args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(s.out, usage, "\nFlags:\n")
		fs.SetOutput(s.out)
		fs.PrintDefaults()
		return exitDone, true
	case err != nil:
		return wrongUsage(fs, s, "%v", err), true
	}
	return 0, false
}

// parseAnywhere lets flags stand after arguments too; after "--" everything is an argument.
func parseAnywhere(fs *flag.FlagSet, args []string) error {
	var plain []string
	for {
		if err := fs.Parse(args); err != nil {
			return err
		}
		rest := fs.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if len(rest) == 0 || ended {
			return fs.Parse(append([]string{"--"}, append(plain, rest...)...))
		}
		plain, args = append(plain, rest[0]), rest[1:]
	}
}

// wrongUsage reports a mistake on the command line.
func wrongUsage(fs *flag.FlagSet, s stdio, format string, args ...any) int {
	fmt.Fprintf(s.err, "trimtab %s: %s; `trimtab %s --help` shows how\n", fs.Name(), fmt.Sprintf(format, args...), fs.Name())
	return exitUsage
}

// outputFlag defines -o.
func outputFlag(fs *flag.FlagSet) *string {
	return fs.String("o", "text", "output `format`: text or json")
}

// maxInputBytes bounds what a command reads of one file.
const maxInputBytes = 64 << 20

// standardInput is what errors call it, where the command line says "-".
const standardInput = "standard input"

// readInput reads a file, or standard input for "-". The name is what errors call it; err does not repeat it.
func readInput(path string, s stdio) (name string, data []byte, err error) {
	if path != "-" {
		data, err = readFile(path)
		return path, data, err
	}
	data, err = readBounded(s.in)
	return standardInput, data, err
}

// openInput is readInput for what is read as it comes, however large it is.
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

// unnamed is a file of which errors do not repeat the name.
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
