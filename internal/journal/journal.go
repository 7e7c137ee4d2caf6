package journal

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Entry is one decision as it is shown: consecutive equal verdicts on one subject.
type Entry struct {
	Part string `json:"part"`
	// First and Last are the times of the first and the last of these verdicts.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Times is the number of these verdicts.
	Times int `json:"times"`
	verdict.Verdict
	// Message is the verdict for people.
	Message string `json:"message"`
}

type key struct {
	part    string
	subject verdict.Subject
}

// Journal is safe for concurrent use. A nil Journal records nothing.
type Journal struct {
	log       *slog.Logger
	now       func() time.Time
	decisions *prometheus.CounterVec
	// severities are the severities of the documented codes, by part.
	severities map[string]map[verdict.Code]verdict.Severity

	mu sync.Mutex
	// ring has the entries in the order of their start. next is the place of the oldest one, which is overwritten next.
	ring []*Entry
	next int
	// current is the current entry of each subject, while it is in the ring.
	current map[key]*Entry
}

// New makes a journal for the last capacity entries.
func New(capacity int, log *slog.Logger, reg prometheus.Registerer, now func() time.Time) *Journal {
	j := &Journal{
		log: log,
		now: now,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trimtab_decisions_total",
			Help: "Decisions made, by part and verdict code (docs/reference-codes.md).",
		}, []string{"part", "code"}),
		severities: map[string]map[verdict.Code]verdict.Severity{},
		ring:       make([]*Entry, capacity),
		current:    map[key]*Entry{},
	}
	reg.MustRegister(j.decisions)
	return j
}

// Document adds the codes of a part: the severity of their log lines, and possible filters. Call it before the first
// Record. A code that is not documented is logged as Info.
func (j *Journal) Document(part string, codes []verdict.CodeDoc) {
	j.severities[part] = map[verdict.Code]verdict.Severity{}
	for _, d := range codes {
		j.severities[part][d.Code] = d.Severity
	}
}

const (
	// mostFacts bounds the facts of an entry, in bytes: their names and texts, and factSize for each.
	mostFacts = 4 << 10
	factSize  = 64
	// MaxEntryBytes is the maximum memory of an entry: its facts, its subject twice (with what it is a part of), and
	// what the journal needs to find it.
	MaxEntryBytes = mostFacts + 2*text.Most + 1024
)

// bounded is v with as many facts as an entry keeps, and the number of further ones.
func bounded(v verdict.Verdict) verdict.Verdict {
	left := mostFacts
	for i, f := range v.Facts {
		if left -= factSize + len(f.Name) + f.TextLen(); left < 0 {
			v.Facts = append(slices.Clone(v.Facts[:i]), verdict.Number("facts not kept", len(v.Facts)-i))
			break
		}
	}
	return v
}

// Record keeps the verdicts of one round of a part. A verdict with another code than the last one on the same subject
// is logged. A verdict with the same code is counted, and its facts replace the old ones.
func (j *Journal) Record(part string, verdicts ...verdict.Verdict) {
	if j == nil {
		return
	}
	now := j.now()
	for _, v := range verdicts {
		j.decisions.WithLabelValues(part, string(v.Code)).Inc()
		v = bounded(v)
		if j.keep(part, v, now) {
			j.say(part, v)
		}
	}
}

func (j *Journal) level(part string, code verdict.Code) slog.Level {
	if j.severities[part][code] == verdict.Warning {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Happened records a single event, such as a reload. It always gets its own entry and is always logged.
func (j *Journal) Happened(part string, v verdict.Verdict) {
	if j == nil {
		return
	}
	j.decisions.WithLabelValues(part, string(v.Code)).Inc()
	v = bounded(v)
	j.mu.Lock()
	j.begin(key{part, v.Subject}, v, j.now())
	j.mu.Unlock()
	j.say(part, v)
}

func (j *Journal) say(part string, v verdict.Verdict) {
	j.log.Log(context.Background(), j.level(part, v.Code), "decided", attributes(part, v)...)
}

// keep says whether the verdict started a new entry.
func (j *Journal) keep(part string, v verdict.Verdict, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	k := key{part, v.Subject}
	if e := j.current[k]; e != nil && e.Code == v.Code {
		e.Last, e.Verdict = now, v
		e.Times++
		return false
	}
	j.begin(k, v, now)
	return true
}

// begin puts a new entry into the ring. The caller holds mu.
func (j *Journal) begin(k key, v verdict.Verdict, now time.Time) {
	if old := j.ring[j.next]; old != nil {
		if oldKey := (key{old.Part, old.Subject}); j.current[oldKey] == old {
			delete(j.current, oldKey)
		}
	}
	e := &Entry{Part: k.part, First: now, Last: now, Times: 1, Verdict: v}
	j.ring[j.next] = e
	j.next = (j.next + 1) % len(j.ring)
	j.current[k] = e
}

func attributes(part string, v verdict.Verdict) []any {
	out := []any{"part", part, "subject", v.Subject.String(), "code", string(v.Code)}
	for _, f := range v.Facts {
		out = append(out, f.Name, f.Value())
	}
	return out
}

// Filter selects the entries of Recent. The zero value selects all.
type Filter struct {
	Part, Subject, Code string
	// Limit is the maximum number of entries; 0 is no limit.
	Limit int
}

func (f Filter) takes(e *Entry) bool {
	return (f.Part == "" || f.Part == e.Part) &&
		(f.Subject == "" || f.Subject == e.Subject.String()) &&
		(f.Code == "" || f.Code == string(e.Code))
}

// Recent returns copies of the entries that match, the latest start first.
func (j *Journal) Recent(f Filter) []Entry {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []Entry{}
	for i := range j.ring {
		e := j.ring[(j.next-1-i+2*len(j.ring))%len(j.ring)]
		if e == nil || !f.takes(e) {
			continue
		}
		one := *e
		one.Message = e.Verdict.Message() // most entries are never read
		if out = append(out, one); f.Limit > 0 && len(out) == f.Limit {
			break
		}
	}
	return out
}
