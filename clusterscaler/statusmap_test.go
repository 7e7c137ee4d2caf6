package clusterscaler

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// An API server that does not answer the write of the status is said once, until it answers; the end of the process is no
// trouble.
func TestStatusThatCannotBeWrittenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.scaler.deps.Kube.Client = fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(ctx context.Context, _ client.WithWatch, _ runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
				<-ctx.Done()
				return ctx.Err()
			},
		}).Build()
		var log strings.Builder
		r.scaler.deps.Log, r.scaler.deps.Now = slog.New(slog.NewTextHandler(&log, nil)), time.Now
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		r.scaler.writeStatus(ended, &r.scaler.look.plan)
		if log.Len() > 0 {
			t.Errorf("said at the end of the process: %s", log.String())
		}
		r.scaler.status.trouble = ""
		for range 3 {
			time.Sleep(time.Minute) // of the bubble
			r.scaler.writeStatus(t.Context(), &r.scaler.look.plan)
		}
		const want = `level=ERROR msg="the status cannot be written" configmap=kube-system/cluster-autoscaler-status error="context deadline exceeded"`
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("said\n%s\nwant once %s", log.String(), want)
		}
	})
}
