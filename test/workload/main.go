package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := parseSettings(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "workload: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	kubeconfig, namespace, selector string
	listen, loadFile                string
	work                            time.Duration
	maxCPU                          float64
	memoryMiB                       int
}

func parseSettings(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("workload", flag.ContinueOnError)
	fs.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig `file` of the cluster")
	fs.StringVar(&s.namespace, "namespace", "default", "`namespace` of the pods")
	fs.StringVar(&s.selector, "selector", "app=web", "label `selector` of the pods")
	fs.StringVar(&s.listen, "listen", "127.0.0.1:0", "`address` of /metrics and /load")
	fs.StringVar(&s.loadFile, "load-file", "", "`file` with the wished requests per second")
	fs.DurationVar(&s.work, "work", 2*time.Millisecond, "CPU `time` of a request")
	fs.Float64Var(&s.maxCPU, "max-cpu", 0.45, "`cores` that all requests together may use")
	fs.IntVar(&s.memoryMiB, "memory-mib", 2, "`MiB` that a pod holds")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	switch {
	case fs.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case s.kubeconfig == "":
		return s, errors.New("--kubeconfig is needed")
	case s.work <= 0 || s.maxCPU <= 0:
		return s, fmt.Errorf("--work %s --max-cpu %v: both must be above zero", s.work, s.maxCPU)
	case s.memoryMiB < 1 || s.memoryMiB > 256:
		return s, fmt.Errorf("--memory-mib %d: must be from 1 to 256", s.memoryMiB)
	}
	return s, nil
}

func run(ctx context.Context, s settings, out io.Writer) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	return play(ctx, s, client, out)
}

// play runs until ctx ends, or until a part of it fails; all threads have ended when it returns.
func play(ctx context.Context, s settings, client kubernetes.Interface, out io.Writer) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	w, rate := newWeb(s.memoryMiB<<20), &wish{}
	defer w.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	synced, err := watchPods(ctx, client, s, w)
	if err != nil {
		_ = listener.Close()
		return err
	}
	server := &http.Server{Handler: handler(w, rate, s, synced), ReadHeaderTimeout: 5 * time.Second}
	var loops sync.WaitGroup
	loops.Go(func() { generate(ctx, w, rate, plan{s.work, s.maxCPU, calibrate()}, synced) })
	if s.loadFile != "" {
		loops.Go(func() { follow(ctx, s.loadFile, rate) })
	}
	loops.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	_, _ = fmt.Fprintf(out, "listening on %s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		cancel(err)
	}
	cancel(nil) // the first cause stays
	loops.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
