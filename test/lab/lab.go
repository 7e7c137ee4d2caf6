package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/test/programs"
)

// Options of a lab; the zero value is a small cluster with nothing in it.
type Options struct {
	// Out gets a line for everything that is started.
	Out io.Writer
	// HPASyncPeriod shortens the HPA controller's 15 s.
	HPASyncPeriod time.Duration
	// APIServerArgs are further flags of the API server, such as --runtime-config.
	APIServerArgs []string
	// ControllerManagerArgs are further flags of the controller manager, such as --controllers.
	ControllerManagerArgs []string
	// Trimtab builds trimtab and the workload of this checkout too, for StartTrimtab and StartWorkload.
	Trimtab bool
}

// Build builds what a lab with these options needs and what is not there yet. Start does so by itself;
// called before, it takes the building out of the time that Start takes.
func Build(ctx context.Context, o Options) (own []string, err error) {
	if err := programs.Build(ctx, programs.All(), o.Out); err != nil || !o.Trimtab {
		return nil, err
	}
	for _, c := range []struct{ dir, pkg string }{{".", "./cmd/trimtab"}, {"test", "./workload"}} {
		binary, err := programs.BuildOwn(ctx, c.dir, c.pkg, o.Out)
		if err != nil {
			return nil, err
		}
		own = append(own, binary)
	}
	return own, nil
}

// Lab is a running cluster.
type Lab struct {
	// Dir holds all files: certificates, logs, data.
	Dir string
	// Kubeconfig is the path of an administrator's configuration.
	Kubeconfig string
	// REST and Client are an administrator's, without a cache: what they read is what is.
	REST   *rest.Config
	Client client.Client
	// Etcd is the address of what stores the cluster.
	Etcd string
	// AuditLog has a line for each request to the API server.
	AuditLog string

	out       io.Writer
	launch    chan func()
	ca        *authority
	apiServer string
	processes []*Process
	trimtabs  int
	// The API server can be started again.
	apiServerArgs    []string
	apiServerProcess *Process
	failed           bool
	stop             sync.Once
}

// Start brings the cluster up; programs that are missing are built first.
func Start(ctx context.Context, o Options) (l *Lab, err error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	own, err := Build(ctx, o)
	if err != nil {
		return nil, err
	}
	cache, err := programs.CacheDir()
	if err != nil {
		return nil, err
	}
	runs := filepath.Join(cache, "runs")
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(runs, time.Now().Format("20060102-150405-"))
	if err != nil {
		return nil, err
	}
	started := &Lab{Dir: dir, out: o.Out, launch: newLauncher()}
	defer func() {
		if err != nil {
			started.failed = true
			started.Stop()
		}
	}()
	// Copies, so that a later build does not change what runs here.
	for _, binary := range own {
		if err := copyFile(binary, started.ownCommand(filepath.Base(binary))); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := started.startControlPlane(ctx, o); err != nil {
		return nil, err
	}
	return started, nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (l *Lab) ownCommand(name string) string { return filepath.Join(l.Dir, "bin", name) }

// connect makes the administrator's client.
func (l *Lab) connect() error {
	restConfig, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig)
	if err != nil {
		return err
	}
	restConfig.QPS, restConfig.Burst, restConfig.Timeout = 500, 1000, 30*time.Second
	scheme, err := kube.NewScheme()
	if err != nil {
		return err
	}
	l.REST = restConfig
	ctrllog.SetLogger(logr.Discard()) // else it complains at length, when programs had to be built first
	l.Client, err = client.New(restConfig, client.Options{Scheme: scheme})
	return err
}

// run starts a program of the lab; Stop ends it.
func (l *Lab) run(name string, env []string, path string, args ...string) (*Process, error) {
	p, err := startProcess(l.launch, l.Dir, name, env, path, args...)
	if err != nil {
		return nil, err
	}
	l.processes = append(l.processes, p)
	return p, nil
}

// program starts a program that package programs built.
func (l *Lab) program(name string, args ...string) (*Process, error) {
	path, err := programs.Path(name)
	if err != nil {
		return nil, err
	}
	return l.run(name, nil, path, args...)
}

// Keep makes Stop leave the lab's files where they are, to be looked at.
func (l *Lab) Keep() { l.failed = true }

// Stop ends all processes, the last started first, and removes the files unless something failed.
// Calling it again does nothing.
func (l *Lab) Stop() { l.stop.Do(l.stopAll) }

func (l *Lab) stopAll() {
	for _, p := range slices.Backward(l.processes) {
		if p.Name == "etcd" || p.Name == "kube-apiserver" {
			p.Kill() // nothing of it is kept, so there is nothing to end in order
			continue
		}
		p.Stop()
	}
	close(l.launch)
	if l.failed {
		fmt.Fprintf(l.out, "the logs are kept in %s\n", l.Dir)
		return
	}
	if err := os.RemoveAll(l.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(l.out, "remove %s: %v\n", l.Dir, err)
	}
}
