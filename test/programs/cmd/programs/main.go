// Command programs builds what the lab and `make lint` run, and removes what they made.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/trimtab/trimtab/test/programs"
)

const usage = `usage: programs build | lint | own DIR PKG | compile DIR [FLAGS] | redis | path NAME | clean

  build       build the programs of the lab that are not there yet
  lint        build the linter
  own         build a command of the checkout: package PKG of the module in DIR
  compile     compile all packages of the module in DIR
  redis       find or unpack a redis-server
  path NAME   print where a program is
  clean       end what the checkout's commands started, and remove what they made
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	interrupted := err != nil && ctx.Err() != nil
	stop()
	switch {
	case interrupted:
		fmt.Fprintln(os.Stderr, "interrupted")
		os.Exit(130)
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "programs:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "build":
		return programs.Build(ctx, programs.All(), os.Stderr)
	case len(args) == 1 && args[0] == "lint":
		return programs.Build(ctx, programs.Lint(), os.Stderr)
	case len(args) == 3 && args[0] == "own":
		_, err := programs.BuildOwn(ctx, args[1], args[2], os.Stderr)
		return err
	case len(args) >= 2 && args[0] == "compile":
		return programs.Compile(ctx, args[1], os.Stderr, args[2:]...)
	case len(args) == 1 && args[0] == "redis":
		_, err := programs.FindRedis(ctx, os.Stderr)
		return err
	case len(args) == 1 && args[0] == "clean":
		return programs.Clean(os.Stderr)
	case len(args) == 2 && args[0] == "path":
		path, err := programs.Path(args[1])
		if err == nil {
			fmt.Println(path)
		}
		return err
	default:
		return errUsage
	}
}
