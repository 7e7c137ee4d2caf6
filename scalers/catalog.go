package scalers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// retryAfter is how soon something that failed is tried again on behalf of an HPA, which may ask often.
const retryAfter = 5 * time.Second

// source opens the triggers of one kind of system.
type source interface {
	// Open checks a trigger without asking anything of the system.
	Open(trigger.Definition) (trigger.Opened, error)
}

type catalogConfig struct {
	// sources are keyed by the type of their triggers.
	sources map[string]source
	auth    authReader
	// refresh is how often authentication is resolved again without a reason.
	refresh time.Duration
	now     func() time.Time
	metrics *metrics
	// offline says that authentication cannot be resolved, as in a check of files.
	offline bool
}

// catalog keeps the triggers of each ScaledObject open between polls. It is safe for concurrent use.
type catalog struct {
	catalogConfig
	mu      sync.Mutex
	entries map[types.NamespacedName]*entry
}

// entry is what became of one version of one object. Its lock is held while it is opened, so that
// callers at the same time share the work.
type entry struct {
	mu         sync.Mutex
	uid        types.UID
	generation int64
	set        *triggerSet
	err        error
	// auth is what the triggers were opened with, by their index; marks are of where it came from.
	auth     []map[string]string
	marks    []string
	openedAt time.Time
	// forgotten says that the object is gone, so that nothing stays open here.
	forgotten bool
}

// triggerSet is an object's triggers, opened. Who has it from open may read it until he releases it; the
// catalog holds the one that is current, and its triggers are closed when nobody holds them any more.
type triggerSet struct {
	// metrics has one element for each trigger, in their order.
	metrics []hpa.Metric
	// external are those that are read here; cpu and memory are not among them.
	external []*openTrigger
}

func newCatalog(cfg catalogConfig) *catalog {
	return &catalog{catalogConfig: cfg, entries: map[types.NamespacedName]*entry{}}
}

// open returns the triggers of so, opening them anew where so, its authentication or a secret changed. The
// caller releases them when it reads them no more.
func (c *catalog) open(ctx context.Context, so *keda.ScaledObject) (*triggerSet, error) {
	return c.openIn(ctx, c.entry(client.ObjectKeyFromObject(so)), so)
}

func (c *catalog) openIn(ctx context.Context, e *entry, so *keda.ScaledObject) (*triggerSet, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	set, err := c.current(ctx, e, so)
	if e.forgotten { // the caller alone has what was opened
		e.set, e.uid = nil, ""
		return set, err
	}
	set.hold()
	return set, err
}

// current is what open returns; e holds it, and is locked.
func (c *catalog) current(ctx context.Context, e *entry, so *keda.ScaledObject) (*triggerSet, error) {
	same := e.uid == so.UID && e.generation == so.Generation
	age := c.now().Sub(e.openedAt)
	if same && e.err != nil && age < retryAfter {
		return nil, e.err
	}
	if same && e.err == nil && !c.stale(ctx, e, so, age) {
		return e.set, nil
	}
	auth, marks, err := c.resolve(ctx, so)
	if same && e.err == nil && (err != nil || slices.EqualFunc(auth, e.auth, maps.Equal)) {
		// Nothing changed, or it cannot be known: what is open stays in use.
		e.openedAt, e.marks = c.now(), marks
		return e.set, nil
	}
	var set *triggerSet
	if err == nil {
		set, err = c.openAll(so, auth)
	}
	if e.set != nil {
		c.metrics.triggers.forget(client.ObjectKeyFromObject(so))
	}
	e.set.release() // after the new ones were opened, so that a client both use stays open
	e.uid, e.generation, e.set, e.err = so.UID, so.Generation, set, err
	e.auth, e.marks, e.openedAt = auth, marks, c.now()
	return e.set, e.err
}

// stale says whether the authentication of an open set is to be resolved again.
func (c *catalog) stale(ctx context.Context, e *entry, so *keda.ScaledObject, age time.Duration) bool {
	if !slices.ContainsFunc(so.Spec.Triggers, func(t keda.ScaleTriggers) bool { return t.AuthenticationRef != nil }) {
		return false
	}
	if age >= c.refresh || age >= retryAfter && e.set.anyFailed() {
		return true
	}
	for i, t := range so.Spec.Triggers {
		if t.AuthenticationRef != nil && c.auth.mark(ctx, so.Namespace, t.AuthenticationRef) != e.marks[i] {
			return true
		}
	}
	return false
}

// resolve returns the authentication of each trigger, and its marks.
func (c *catalog) resolve(ctx context.Context, so *keda.ScaledObject) (auth []map[string]string, marks []string, err error) {
	// An HPA that gives up waiting must not leave its impatience behind as the object's error.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	auth, marks = make([]map[string]string, len(so.Spec.Triggers)), make([]string, len(so.Spec.Triggers))
	var errs []error
	for i, t := range so.Spec.Triggers {
		if t.AuthenticationRef == nil {
			continue
		}
		marks[i] = c.auth.mark(ctx, so.Namespace, t.AuthenticationRef)
		if auth[i], err = c.auth.resolve(ctx, so.Namespace, t.AuthenticationRef); err != nil {
			errs = append(errs, fmt.Errorf("trigger %d (%s): %w", i, t.Type, err))
		}
	}
	return auth, marks, text.Join(errs...)
}

// openAll opens every trigger of so, or none.
func (c *catalog) openAll(so *keda.ScaledObject, auth []map[string]string) (*triggerSet, error) {
	set := &triggerSet{}
	var errs []error
	for i, t := range so.Spec.Triggers {
		d := trigger.Definition{
			Namespace: so.Namespace, Index: i, Type: t.Type, Name: t.Name, Metadata: t.Metadata, Auth: auth[i], Offline: c.offline && t.AuthenticationRef != nil,
		}
		if ref := t.AuthenticationRef; ref != nil {
			d.AuthName = so.Namespace + "/" + ref.Name
		}
		metric, open, err := c.openOne(so, i, d)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.ContainsFunc(set.metrics, func(m hpa.Metric) bool {
			return m.Name == metric.Name && m.Resource == metric.Resource && m.Container == metric.Container
		}) {
			errs = append(errs, fmt.Errorf("trigger %d (%s): its metric stands twice; keep one of them", i, t.Type))
		}
		set.metrics = append(set.metrics, metric)
		if open != nil {
			set.external = append(set.external, open)
		}
	}
	if err := text.Join(errs...); err != nil {
		set.release()
		return nil, err
	}
	return set, nil
}

func (c *catalog) openOne(so *keda.ScaledObject, i int, d trigger.Definition) (hpa.Metric, *openTrigger, error) {
	t := so.Spec.Triggers[i]
	if t.AuthenticationRef != nil {
		if err := checkAuthenticationRef(t.AuthenticationRef); err != nil {
			return hpa.Metric{}, nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	if spec.IsResource(t.Type) {
		m, err := resourceMetric(d, t.MetricType)
		return m, nil, err
	}
	from, ok := c.sources[t.Type]
	if !ok {
		return hpa.Metric{}, nil, fmt.Errorf("%s: type: %s is not supported; supported: %s", d, text.Quote(t.Type), strings.Join(c.supported(), ", "))
	}
	metricType, err := hpa.ExternalType(t.MetricType)
	if err != nil {
		return hpa.Metric{}, nil, fmt.Errorf("%s: %w", d, err)
	}
	opened, err := trigger.Open(d, from.Open)
	if err != nil {
		return hpa.Metric{}, nil, err
	}
	m := hpa.Metric{Name: hpa.MetricName(i, opened.Metric), Type: metricType, Target: opened.Target}
	if len(m.Name) > text.Most { // it stands several times in the status, and in a URL
		opened.Close()
		return hpa.Metric{}, nil, fmt.Errorf("%s: the name of its metric, %s, has %d bytes, and %d are allowed", d, text.Quote(m.Name), len(m.Name), text.Most)
	}
	return m, &openTrigger{
		Opened: opened, metric: m, kind: t.Type, cached: t.UseCachedMetrics, now: c.now, metrics: c.metrics,
	}, nil
}

func (c *catalog) supported() []string {
	types := append(slices.Collect(maps.Keys(c.sources)), "cpu", "memory")
	slices.Sort(types)
	return types
}

func (c *catalog) entry(key types.NamespacedName) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		e = &entry{}
		c.entries[key] = e
	}
	return e
}

// forget lets go of the triggers of an object that is gone.
func (c *catalog) forget(key types.NamespacedName) {
	c.mu.Lock()
	e := c.entries[key]
	delete(c.entries, key)
	c.mu.Unlock()
	if e != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.set.release()
		e.set, e.uid, e.forgotten = nil, "", true
	}
	c.metrics.triggers.forget(key)
}

func (s *triggerSet) hold() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.hold()
	}
}

func (s *triggerSet) release() {
	if s == nil {
		return
	}
	for _, t := range s.external {
		t.release()
	}
}

func (s *triggerSet) anyFailed() bool {
	return slices.ContainsFunc(s.external, func(t *openTrigger) bool { return t.remembered().err != nil })
}
