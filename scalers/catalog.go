package scalers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/poll"
	"github.com/trimtab/trimtab/scalers/spec"
)

const (
	// retryAfter is the shortest time between two readings of a failed source for HPAs, which may ask often.
	retryAfter = 5 * time.Second
	// resolvedAtOnce bounds how many objects' authentications are resolved at the same time. Each waits for requests to
	// the API server.
	resolvedAtOnce = 10
)

type catalogConfig struct {
	// sources are keyed by the type of their triggers.
	sources sourceMap
	auth    authReader
	// refresh is how often authentication is resolved again without a cause.
	refresh time.Duration
	// timeout bounds one reading, and the wait for a free slot.
	timeout time.Duration
	// bytes bounds the total length of the values of one TriggerAuthentication.
	bytes int
	// slots bound the readings of all triggers.
	slots   *poll.Slots
	now     func() time.Time
	metrics *metrics
	// closed is told whose triggers were closed, or replaced by others that nobody has read.
	closed func(spec.OwnerKey)
}

// catalog keeps the triggers of each owner open between polls. It is safe for concurrent use.
type catalog struct {
	catalogConfig
	// resolving bounds the objects whose authentication is resolved at the same time.
	resolving *poll.Slots
	mu        sync.Mutex
	entries   map[spec.OwnerKey]*entry
	// failing is the number of failing entries of each namespace.
	failing map[string]int
}

// entry is the result of opening one version of one object. Its lock is held while the object is opened, so that
// concurrent callers share the work.
type entry struct {
	mu sync.Mutex
	// opened is what is open while the lock is held, too; nil where nothing is.
	opened     atomic.Pointer[opened]
	uid        types.UID
	generation int64
	set        *triggerSet
	err        error
	// auth is the authentication of each trigger, by index. marks are the marks of its TriggerAuthentications.
	auth     []map[string]string
	marks    []string
	openedAt time.Time
	// retry is when the object is opened again after an error. It is also when its authentication is resolved again
	// after a failed reading.
	retry poll.Retry
	// failing says that the catalog's failing counts the entry.
	failing bool
	// forgotten says that the object was deleted, so that nothing may stay open here.
	forgotten bool
}

func newCatalog(cfg catalogConfig) *catalog {
	return &catalog{catalogConfig: cfg, resolving: poll.NewSlots(resolvedAtOnce), entries: map[spec.OwnerKey]*entry{}, failing: map[string]int{}}
}

// open returns the triggers of o. It opens them again if o, its authentication or a secret changed. The caller may
// read them as long as it likes: their clients stay open until the last reading has ended, whoever closes them
// meanwhile.
func (c *catalog) open(ctx context.Context, o spec.Owner) (*triggerSet, error) {
	e, _ := c.entry(o.OwnerKey)
	return c.openIn(ctx, e, o)
}

// current returns the result of open. The caller has locked e.
func (c *catalog) current(ctx context.Context, e *entry, o spec.Owner) (*triggerSet, error) {
	same := e.uid == o.UID && e.generation == o.Generation
	if !same {
		e.retry = poll.Retry{}
	}
	marks := c.marks(ctx, o)
	if same && !c.stale(e, marks) {
		return e.set, e.err
	}
	auth, err := c.resolve(ctx, o)
	if same && e.err == nil && (err != nil && (!isMistake(err) || e.works()) || err == nil && slices.EqualFunc(auth, e.auth, maps.Equal)) {
		// Nothing changed, or it cannot be known, or what is open needs nothing else: it stays in use.
		e.openedAt, e.marks = c.now(), marks
		e.set = e.set.lapsed(err)
		c.note(e, o.Namespace, err != nil || e.set.anyFailed())
		return e.set, nil
	}
	var set *triggerSet
	if err == nil {
		set, err = c.openAll(o, auth)
	}
	if e.set != nil {
		c.closed(o.OwnerKey)
	}
	e.set.dismiss()
	e.set.close() // after the new triggers were opened, so that a shared client stays open
	e.uid, e.generation, e.set, e.err = o.UID, o.Generation, set, err
	e.auth, e.marks, e.openedAt = auth, marks, c.now()
	c.note(e, o.Namespace, err != nil)
	return e.set, e.err
}

// works is whether no reading of what is open failed. Such triggers go on with a Secret or TriggerAuthentication that is
// gone, as KEDA's do.
func (e *entry) works() bool { return !e.set.anyFailed() }

// note keeps whether what was opened works; e is locked. No watch tells that a Secret was mended, so it is looked at
// soon; but all that fail in a namespace, together, about once a second.
func (c *catalog) note(e *entry, namespace string, failed bool) {
	together := time.Duration(c.count(e, namespace, failed)) * time.Second
	if failed {
		e.retry.Failed(c.now(), spread(e.uid), min(max(together, poll.RetrySoon), poll.RetryMost))
	} else {
		e.retry = poll.Retry{}
	}
}

// count adds e to the failing entries of its namespace, or removes it. It returns their number.
func (c *catalog) count(e *entry, namespace string, failed bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch failed = failed && !e.forgotten; {
	case failed && !e.failing:
		c.failing[namespace]++
	case !failed && e.failing:
		c.failing[namespace]--
	}
	e.failing = failed
	n := c.failing[namespace]
	if n == 0 {
		delete(c.failing, namespace)
	}
	return n
}

// retryAt is when a failed object is opened again; zero where it is open.
func (c *catalog) retryAt(key spec.OwnerKey) time.Time {
	c.mu.Lock()
	e := c.entries[key]
	c.mu.Unlock()
	if e == nil {
		return time.Time{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		return time.Time{}
	}
	return e.retry.At()
}

// stale is true if e must be opened again: something that its object names changed, or it failed and the retry is due.
// marks are the current marks.
func (c *catalog) stale(e *entry, marks []string) bool {
	switch {
	case !slices.Equal(marks, e.marks):
		return true
	case e.err != nil:
		return !e.retry.Waits(c.now())
	case len(marks) == 0:
		return false
	default:
		return c.now().Sub(e.openedAt) >= c.refresh || e.set.anyFailed() && !e.retry.Waits(c.now())
	}
}

// marks change when a TriggerAuthentication of o does. There are none where it names none. They need no request.
func (c *catalog) marks(ctx context.Context, o spec.Owner) []string {
	if !slices.ContainsFunc(o.Triggers, func(t keda.ScaleTriggers) bool { return t.AuthenticationRef != nil }) {
		return nil
	}
	marks := make([]string, len(o.Triggers))
	for i, t := range o.Triggers {
		if t.AuthenticationRef != nil {
			marks[i] = c.auth.mark(ctx, o.Namespace, t.AuthenticationRef)
		}
	}
	return marks
}

// resolve returns the authentication of each trigger. A TriggerAuthentication of several triggers is resolved once.
func (c *catalog) resolve(ctx context.Context, o spec.Owner) (auth []map[string]string, err error) {
	auth = make([]map[string]string, len(o.Triggers))
	if !slices.ContainsFunc(o.Triggers, func(t keda.ScaleTriggers) bool { return t.AuthenticationRef != nil }) {
		return auth, nil
	}
	// An HPA request that is cancelled must not become the object's error.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	release, err := c.resolving.Acquire(ctx, o.Namespace)
	if err != nil {
		return nil, fmt.Errorf("authentication: no turn for namespace %s within %s, since that of other objects is being read", o.Namespace, callTimeout)
	}
	defer release()
	type outcome struct {
		values map[string]string
		err    error
	}
	resolved := map[keda.AuthenticationRef]outcome{}
	var errs []error
	for i, t := range o.Triggers {
		if t.AuthenticationRef == nil {
			continue
		}
		of, ok := resolved[*t.AuthenticationRef]
		if !ok {
			of.values, of.err = c.auth.resolve(ctx, o.Namespace, t.AuthenticationRef)
			if n := size(of.values); n > c.bytes {
				of.values, of.err = nil, mistake{fmt.Errorf("TriggerAuthentication %s/%s: its values have %d bytes, more than %d; take out what no trigger needs, or raise scalers.maxTriggerBytes", o.Namespace, t.AuthenticationRef.Name, n, c.bytes)}
			}
			resolved[*t.AuthenticationRef] = of
		}
		if auth[i] = of.values; of.err != nil {
			errs = append(errs, fmt.Errorf("trigger %d (%s): %w", i, t.Type, of.err))
		}
	}
	return auth, text.Join(errs...)
}

func size(values map[string]string) (bytes int) {
	for key, value := range values {
		bytes += len(key) + len(value)
	}
	return bytes
}

func (c *catalog) entry(key spec.OwnerKey) (e *entry, made bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e = c.entries[key]
	if e == nil {
		e, made = &entry{}, true
		c.entries[key] = e
	}
	return e, made
}

// forget closes the triggers of a deleted object, and ends their readings. An HPA of the object may be waiting for one.
func (c *catalog) forget(key spec.OwnerKey) {
	c.mu.Lock()
	e := c.entries[key]
	delete(c.entries, key)
	c.mu.Unlock()
	if e != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.set.endReadings()
		e.set.close()
		e.set, e.uid, e.forgotten = nil, "", true
		e.opened.Store(nil)
		c.count(e, key.Namespace, false)
	}
	c.closed(key)
}
