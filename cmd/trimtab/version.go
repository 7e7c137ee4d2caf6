package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (-X main.version=v1.2.3) in the Makefile and the Dockerfile. They build without Go's own
// version information: an image lacks some files of the repository, and git may refuse a checkout of another user.
var version string

func versionCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", GroupID: groupOthers,
		Short: "Print the version",
		Long:  "Prints the version of this binary, of Go, and of the Kubernetes API that it was built for.",
		Example: `  $ trimtab version
  trimtab v0.1.0 (go1.26.8 linux/amd64, kubernetes v0.37.1)`,
		Args: noArguments,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if *output == "json" {
			return answered(json.NewEncoder(s.out).Encode(aboutVersion()))
		}
		_, err := io.WriteString(s.out, versionLine())
		return answered(err)
	}
	return cmd
}

func aboutVersion() map[string]string {
	return map[string]string{
		"version": currentVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		"kubernetes": dependencyVersion("k8s.io/client-go"),
	}
}

func versionLine() string {
	about := aboutVersion()
	return fmt.Sprintf("trimtab %s (%s %s, kubernetes %s)\n", about["version"], about["go"], about["platform"], about["kubernetes"])
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
