package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// parse reads the flags of a command. done says that the command ends here, with code: after --help,
// or after a mistake, which is reported on one line.
func parse(fs *flag.FlagSet, usage string, args []string, s stdio) (code int, done bool) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	switch err := fs.Parse(args); {
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

// readInput reads a file, or standard input for "-". The name is what errors call it.
func readInput(path string, s stdio) (name string, data []byte, err error) {
	in := s.in
	name = "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return path, nil, err
		}
		defer f.Close()
		in, name = f, path
	}
	data, err = io.ReadAll(io.LimitReader(in, maxInputBytes+1))
	if err == nil && len(data) > maxInputBytes {
		err = fmt.Errorf("%s has more than %d bytes", name, maxInputBytes)
	}
	return name, data, err
}
