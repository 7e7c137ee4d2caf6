package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker (-X main.version=v1.2.3), as the Makefile and the Dockerfile do, since they build without
// Go's own record of the repository: an image's has files missing, and git may refuse a checkout of another user.
var version string

const versionUsage = `Prints the version of this binary, of Go, and of the Kubernetes API that it was built for.

Usage: trimtab version [-o text|json]

  $ trimtab version
  trimtab v0.1.0 (go1.26.8 linux/amd64, kubernetes v0.37.1)
`

func versionCommand(_ context.Context, args []string, s stdio) int {
	fs := flag.NewFlagSet("version", flag.ContinueOnError)
	output := outputFlag(fs)
	if code, done := parse(fs, versionUsage, args, s); done {
		return code
	}
	if fs.NArg() > 0 {
		return wrongUsage(fs, s, "it takes no argument, not %q", fs.Arg(0))
	}
	about := map[string]string{
		"version": currentVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		"kubernetes": dependencyVersion("k8s.io/client-go"),
	}
	var err error
	switch *output {
	case "json":
		err = json.NewEncoder(s.out).Encode(about)
	case "text":
		_, err = fmt.Fprintf(s.out, "trimtab %s (%s %s, kubernetes %s)\n", about["version"], about["go"], about["platform"], about["kubernetes"])
	default:
		return wrongUsage(fs, s, "-o %q is neither text nor json", *output)
	}
	if err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	return exitDone
}

func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func dependencyVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == path {
			return d.Version
		}
	}
	return "unknown"
}
