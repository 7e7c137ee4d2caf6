package clusterscaler

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/grpcexpander"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// askTime bounds all questions of one loop together.
const askTime = 30 * time.Second

// expander asks the server of the expander grpc. The loop alone uses it.
type expander struct {
	client interface {
		BestOptions(ctx context.Context, options []grpcexpander.Option) ([]string, error)
		Close() error
	}
	server string
	log    *slog.Logger
	// trouble is why it did not answer the last time.
	trouble string
}

// newExpander makes the one that the configuration names; nil without the expander grpc.
func newExpander(cfg *config.Config, log *slog.Logger) (*expander, error) {
	if !slices.Contains(cfg.Expander, string(plan.Ask)) {
		return nil, nil
	}
	client, err := grpcexpander.New(grpcexpander.Config{URL: cfg.GrpcExpanderUrl, Cert: cfg.GrpcExpanderCert})
	if err != nil {
		return nil, err
	}
	return &expander{client: client, server: cfg.GrpcExpanderUrl, log: log}, nil
}

// ask returns the groups that the server prefers. That it does not answer is logged once.
func (e *expander) ask(ctx context.Context, options []grpcexpander.Option) (best []string, answered bool) {
	best, err := e.client.BestOptions(ctx, options)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if trouble != "" && trouble != e.trouble {
		e.log.Error("the gRPC expander does not answer; the others choose among all options", "server", e.server, "error", err)
	}
	e.trouble = trouble
	return best, err == nil
}
