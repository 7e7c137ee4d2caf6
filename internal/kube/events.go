package kube

import (
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"

	"github.com/trimtab/trimtab/internal/text"
)

// eventWriter sends Events. client-go's recorder of events.k8s.io takes all Events on one object with one reason for one,
// and shows its first message for as long as they come; that of core/v1 counts up equal messages only.
type eventWriter struct {
	record.EventBroadcaster
	sink eventSink
}

// endReason marks what Shutdown records. It has the last turn, and is not sent.
const endReason = "(end)"

// endTimeout bounds how long the end waits for Events.
const endTimeout = 3 * time.Second

// eventSink is where Events are sent. It closes ended when all that were recorded before the end had their turn.
type eventSink struct {
	record.EventSink
	ended chan struct{}
}

// Create is part of record.EventSink.
func (s eventSink) Create(e *corev1.Event) (*corev1.Event, error) {
	if e.Reason == endReason {
		close(s.ended)
		return e, nil
	}
	return s.EventSink.Create(e)
}

func newEventWriter(client typedcorev1.EventsGetter) *eventWriter {
	return &eventWriter{
		record.NewBroadcasterWithCorrelatorOptions(record.CorrelatorOptions{SpamKeyFunc: sameMessage}),
		eventSink{&typedcorev1.EventSinkImpl{Interface: client.Events("")}, make(chan struct{})},
	}
}

// sameMessage tells apart what is held back when there is too much of it, as cluster-autoscaler does: an object may have
// much to say, but the same only now and then.
func sameMessage(e *corev1.Event) string {
	o := e.InvolvedObject
	return fmt.Sprint(o.Kind, "/", o.Namespace, "/", o.Name, "/", o.UID, " ", e.Type, " ", e.Reason, " ", e.Message)
}

// recorder writes in the name of trimtab.
func (w *eventWriter) recorder(scheme *runtime.Scheme) events.EventRecorder {
	return Bounded(record.NewEventRecorderAdapter(w.NewRecorder(scheme, corev1.EventSource{Component: "trimtab"})))
}

// recorder makes a queue of Events, which startEvents begins to send. They are sent one after another, and what comes when
// the queue is full is dropped, so that no two parts share one.
func (s *shared) recorder(client typedcorev1.EventsGetter) events.EventRecorder {
	w := newEventWriter(client)
	s.events = append(s.events, w)
	return w.recorder(s.scheme)
}

func (s *shared) startEvents() {
	for _, w := range s.events {
		w.start()
	}
}

func (s *shared) endEvents() {
	var all sync.WaitGroup
	for _, w := range s.events {
		all.Go(w.Shutdown)
	}
	all.Wait()
}

// Bounded makes each note a text.Line, which is as long as the API server takes, before it goes to r.
func Bounded(r events.EventRecorder) events.EventRecorder { return bounded{r} }

type bounded struct{ events.EventRecorder }

func (b bounded) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	b.EventRecorder.Eventf(regarding, related, kind, reason, action, "%s", text.Line(fmt.Sprintf(note, args...)))
}

// start sends what is recorded from now on, until Shutdown.
func (w *eventWriter) start() { w.StartRecordingToSink(w.sink) }

// Shutdown sends what was recorded before it, for endTimeout at most. client-go's own drops all that waits. It follows start.
func (w *eventWriter) Shutdown() {
	w.NewRecorder(runtime.NewScheme(), corev1.EventSource{}).Event(&corev1.ObjectReference{}, corev1.EventTypeNormal, endReason, "")
	select {
	case <-w.sink.ended:
	case <-time.After(endTimeout):
	}
	w.EventBroadcaster.Shutdown()
}
