package report

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/clusterscaler/status"
	"github.com/trimtab/trimtab/internal/wanted"
)

// Where cluster-autoscaler has its status, beside the name of the ConfigMap, and the key and annotation in it.
const (
	statusKey         = "status"
	statusAnnotation  = "cluster-autoscaler.kubernetes.io/last-updated"
	statusFieldOwner  = "trimtab"
	statusTimeout     = 10 * time.Second
	statusMinInterval = 10 * time.Second
	// statusMaxInterval is the time between two writes that differ in nothing but times.
	statusMaxInterval = time.Minute
	statusMaxPause    = 5 * time.Minute
)

// statusMap is the ConfigMap with the status. It is written beside the loop: when it says something new, at most once in
// statusMinInterval, else once in statusMaxInterval, so that readers of its times see that the loop goes on.
type statusMap struct {
	name types.NamespacedName
	deps *Deps
	// The loop owns book, handed, news and events. handed is when a text was given to the writer last; news says that
	// something is new since then.
	book   status.Book
	handed time.Time
	news   bool
	events statusEvents
	writer *wanted.Writer[statusText]

	mu sync.Mutex
	// uid is that of the ConfigMap, once it is known. tried says that there was a write, failed or not.
	uid   types.UID
	tried bool
	// trouble is the error of the last write that failed, as it was logged.
	trouble string
	// untold are the Events that wait for the first write.
	untold []statusEvent
}

// statusText is what is to be written.
type statusText struct {
	text string
	at   time.Time
}

// newStatusMap makes the one with that name. A write that failed is tried again after statusMinInterval, up to statusMaxPause.
func newStatusMap(name types.NamespacedName, deps *Deps) *statusMap {
	s := &statusMap{name: name, deps: deps}
	s.writer = wanted.New(wanted.Config{
		Workers: 1, Timeout: statusTimeout, MinPause: statusMinInterval, MaxPause: statusMaxPause, Now: deps.Now,
	}, func(ctx context.Context, w wanted.Write[statusText]) error {
		err := s.apply(ctx, w.Value)
		if !errors.Is(ctx.Err(), context.Canceled) { // it is not the end
			s.wrote(err)
		}
		return err
	})
	return s
}

// off is whether no ConfigMap is wanted.
func (s *statusMap) off() bool { return s.name.Name == "" }

// write has written what the plan says of the cluster and its groups. It does not wait for that.
func (s *statusMap) write(p *plan.Plan) {
	if s.off() {
		return
	}
	now := s.deps.Now()
	text, news, err := s.book.Text(p, now)
	s.news = s.news || news
	wait := statusMaxInterval
	if s.news || s.inTrouble() {
		wait = statusMinInterval
	}
	if now.Sub(s.handed) < wait {
		return
	}
	s.handed, s.news = now, false
	if err != nil {
		s.wrote(err)
		return
	}
	s.writer.Want(statusTimeout, []wanted.Write[statusText]{{Key: s.name.Name, Value: statusText{text, now}}})
}

// inTrouble is whether the last write failed.
func (s *statusMap) inTrouble() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble != ""
}

// wrote takes the outcome of a write. A failure is logged once, and stops nothing.
func (s *statusMap) wrote(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	trouble := ""
	if err != nil {
		trouble = err.Error()
		if trouble != s.trouble {
			s.deps.Log.Error("the status cannot be written", "configmap", s.name.String(), "error", err)
		}
	}
	s.trouble, s.tried = trouble, true
	s.tellUntold()
}

// apply writes the ConfigMap.
func (s *statusMap) apply(ctx context.Context, t statusText) error {
	m := applycorev1.ConfigMap(s.name.Name, s.name.Namespace).
		WithAnnotations(map[string]string{statusAnnotation: t.at.UTC().Format(status.TimeFormat)}).
		WithData(map[string]string{statusKey: t.text})
	err := s.deps.Client.Apply(ctx, m, client.ForceOwnership, client.FieldOwner(statusFieldOwner))
	if err == nil && m.UID != nil {
		s.mu.Lock()
		s.uid = *m.UID
		s.mu.Unlock()
	}
	return err
}

// tell writes the Events of the loop on the ConfigMap, if there is one. Until the first write they wait.
func (s *statusMap) tell(p *plan.Plan) {
	said := s.events.take(p)
	if s.off() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.untold = append(s.untold, said...)
	if s.tried {
		s.tellUntold()
	}
}

// tellUntold gives the Events to the recorder, which does not wait. mu is held.
func (s *statusMap) tellUntold() {
	tell(s.deps.Events, s.untold, s.name, s.uid)
	s.untold = nil
}
