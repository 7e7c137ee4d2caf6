package peers

import (
	"context"
	"net"
	"strconv"

	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
)

// Program is a running program that can be measured. Its pages may be behind TLS, and may ask who calls: the lab's
// AdminClient reads them.
type Program struct {
	Name    string
	Process *lab.Process
	// User is how the API server and the audit log know it.
	User string
	// Health is the page that answers 200 when the program says that it is healthy.
	Health string
	// Metrics is the page of its metrics, with those of the Go runtime; Debug is where Go's profiles are.
	Metrics, Debug string
}

// Usage is what the kernel counts for the process.
func (p Program) Usage() (usage.Usage, error) { return usage.Of(p.Process.PID()) }

// Stop ends the program.
func (p Program) Stop() { p.Process.Stop() }

// account makes the ServiceAccount of the program.
func (p *Program) account(ctx context.Context, l *lab.Lab) (kubeconfig string, err error) {
	p.User = lab.User(p.Name)
	return l.Account(ctx, p.Name)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts are as many ports as there are variables.
func freePorts(into ...*int) (err error) {
	for _, port := range into {
		if *port, err = lab.FreePort(); err != nil {
			return err
		}
	}
	return nil
}
