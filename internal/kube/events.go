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

// eventWriter sends Events. client-go's recorder for events.k8s.io merges all Events on one object with one reason, and
// shows only the first message. The recorder for core/v1 counts only equal messages together.
type eventWriter struct {
	record.EventBroadcaster
	sink eventSink
}

// endReason marks the record of Shutdown. It is the last in the queue, and is not sent.
const endReason = "(end)"

// endTimeout bounds the wait for Events at the end.
const endTimeout = 3 * time.Second

// eventSink sends Events. It closes ended when all Events before the end were handled.
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

// sameMessage groups Events for rate limiting, as cluster-autoscaler does: many different messages about an object are
// allowed, but equal ones only now and then.
func sameMessage(e *corev1.Event) string {
	o := e.InvolvedObject
	return fmt.Sprint(o.Kind, "/", o.Namespace, "/", o.Name, "/", o.UID, " ", e.Type, " ", e.Reason, " ", e.Message)
}

// recorder makes the recorder with trimtab's name.
func (w *eventWriter) recorder(scheme *runtime.Scheme) events.EventRecorder {
	return Bounded(record.NewEventRecorderAdapter(w.NewRecorder(scheme, corev1.EventSource{Component: "trimtab"})))
}

// recorder makes a queue of Events; startEvents starts to send them. They are sent one after another, and Events are
// dropped when the queue is full. So no two parts share a queue.
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

// Bounded shortens each note to a text.Line before it goes to r. The API server refuses longer notes.
func Bounded(r events.EventRecorder) events.EventRecorder { return bounded{r} }

type bounded struct{ events.EventRecorder }

func (b bounded) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	b.EventRecorder.Eventf(regarding, related, kind, reason, action, "%s", text.Line(fmt.Sprintf(note, args...)))
}

// start sends all Events that are recorded until Shutdown.
func (w *eventWriter) start() { w.StartRecordingToSink(w.sink) }

// Shutdown sends the Events that were recorded before it, for endTimeout at most. client-go's own Shutdown drops them.
// Call start first.
func (w *eventWriter) Shutdown() {
	w.NewRecorder(runtime.NewScheme(), corev1.EventSource{}).Event(&corev1.ObjectReference{}, corev1.EventTypeNormal, endReason, "")
	select {
	case <-w.sink.ended:
	case <-time.After(endTimeout):
	}
	w.EventBroadcaster.Shutdown()
}
