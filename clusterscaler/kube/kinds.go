package kube

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// kindsEvery is how often the API server is asked again for kinds that it does not serve.
const kindsEvery = 5 * time.Minute

// Kinds knows which of the Optional kinds the API server serves. Make it with NewKinds. It is safe for concurrent use.
type Kinds struct {
	mapper meta.RESTMapper
	log    *slog.Logger
	// missing are the kinds that it does not serve; nil before it was asked.
	missing atomic.Pointer[[]schema.GroupVersionKind]
}

// NewKinds makes Kinds that know nothing before Ask.
func NewKinds(mapper meta.RESTMapper, log *slog.Logger) *Kinds {
	return &Kinds{mapper: mapper, log: log}
}

// Ask asks the API server for its kinds, and logs what has changed.
func (k *Kinds) Ask() error {
	missing, err := sharedkube.Missing(k.mapper, Optional()...)
	if err != nil {
		return err
	}
	before := k.missing.Swap(&missing)
	switch {
	case before == nil && len(missing) == 0, before != nil && slices.Equal(*before, missing):
	case len(missing) == 0:
		k.log.Info("the API server serves all kinds of volumes and devices now")
	default:
		names := make([]string, len(missing))
		for i, kind := range missing {
			names[i] = kind.Kind + "." + kind.GroupVersion().String()
		}
		k.log.Warn("the API server does not serve some kinds of volumes and devices; pods that need them are neither given a node nor moved", "kinds", names)
	}
	return nil
}

// Run asks again until the API server serves all of them, or ctx ends. Ask comes before it.
func (k *Kinds) Run(ctx context.Context) error {
	ticker := time.NewTicker(kindsEvery)
	defer ticker.Stop()
	for len(*k.missing.Load()) > 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := k.Ask(); err != nil {
			k.log.Warn("the API server could not be asked for its kinds", "error", err)
		}
	}
	return nil
}

// Missing is whether the API server does not serve a kind, as far as is known.
func (k *Kinds) Missing(kind string) bool {
	missing := k.missing.Load()
	return missing != nil && slices.ContainsFunc(*missing, func(m schema.GroupVersionKind) bool { return m.Kind == kind })
}
