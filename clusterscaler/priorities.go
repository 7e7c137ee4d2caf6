package clusterscaler

import (
	"context"
	"log/slog"
	"time"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// prioritiesTimeout bounds the reading of the priorities.
const prioritiesTimeout = 10 * time.Second

// priorities are those of the expander priority, as they could be read last.
type priorities struct {
	list []plan.Priority
	// trouble is why they could not be read the last time.
	trouble string
}

// read reads them anew. While they cannot be read, the last ones hold. That is logged once.
func (p *priorities) read(ctx context.Context, observer *kube.Observer, namespace string, log *slog.Logger) []plan.Priority {
	ctx, cancel := context.WithTimeout(ctx, prioritiesTimeout)
	defer cancel()
	list, err := observer.Priorities(ctx, namespace)
	trouble := ""
	if err != nil {
		trouble = err.Error()
	} else {
		p.list = list
	}
	if trouble != "" && trouble != p.trouble {
		log.Error("the priorities of the expander cannot be read; the last ones hold, or none",
			"configmap", namespace+"/"+kube.PrioritiesConfigMap, "error", err)
	}
	p.trouble = trouble
	return p.list
}
