package review

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/trimtab/trimtab/internal/recent"
)

const (
	// deniedTTL is short, so that a new permission counts soon.
	deniedTTL = 10 * time.Second
	// reviewLimit bounds how many reviews are remembered; the cache can hold twice as many.
	reviewLimit = 4096
	// reviewKeyLimit bounds how much of one request is remembered.
	reviewKeyLimit = 4096
)

// Authorizer remembers what the API server decided, and asks it once for all who ask the same at the same time.
// A permission that is still used in the last third of its time is asked for again while it still counts, so that
// who asks every few seconds never waits for a review; none counts for longer than its time. Errors are not
// remembered. It is safe for concurrent use.
//
// A request with selectors is reviewed without them first: a selector "can only limit access, not broaden it"
// (ResourceAttributes), so what is allowed without is allowed with any. Nothing else of a request is widened. An authorizer
// that is asked about all namespaces, resources or names need not have looked at what it denies in one of them.
type Authorizer struct {
	next       authorizer.Authorizer
	allowedTTL time.Duration
	now        func() time.Time
	known      *recent.Cache[review]
	flights    singleflight.Group
	keys       sync.Pool
}

// review is a decision, the time until which it counts, and the time after which the next use asks again.
type review struct {
	decision   authorizer.Decision
	reason     string
	due, until time.Time
}

// Remember makes an Authorizer that caches the decisions of next.
func Remember(next authorizer.Authorizer, allowedTTL time.Duration, now func() time.Time) *Authorizer {
	return &Authorizer{
		next: next, allowedTTL: allowedTTL, now: now, known: recent.New[review](reviewLimit),
		keys: sync.Pool{New: func() any { return new([]byte) }},
	}
}

// Authorize implements authorizer.Authorizer.
func (s *Authorizer) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if isLimited(a) {
		if decision, reason, err := s.decide(ctx, unlimited{a}); decision == authorizer.DecisionAllow || err != nil {
			return decision, reason, err
		}
	}
	return s.decide(ctx, a)
}

func isLimited(a authorizer.Attributes) bool {
	fields, _ := a.GetFieldSelector()
	labels, _ := a.GetLabelSelector()
	return len(fields) > 0 || len(labels) > 0
}

// unlimited is a request without its selectors.
type unlimited struct{ authorizer.Attributes }

// GetFieldSelector implements authorizer.Attributes.
func (unlimited) GetFieldSelector() (fields.Requirements, error) { return nil, nil }

// GetLabelSelector implements authorizer.Attributes.
func (unlimited) GetLabelSelector() (labels.Requirements, error) { return nil, nil }

// decide takes an answer that is remembered, or asks for one.
func (s *Authorizer) decide(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	buffer := s.keys.Get().(*[]byte)
	defer s.keys.Put(buffer)
	*buffer = appendReviewKey((*buffer)[:0], a)
	if known, ok := s.known.Get(*buffer); ok {
		now := s.now()
		if now.Before(known.due) {
			return known.decision, known.reason, nil
		}
		if now.Before(known.until) {
			s.share(ctx, string(*buffer), a)
			return known.decision, known.reason, nil
		}
	}
	answer, err := s.wait(ctx, string(*buffer), a)
	return answer.decision, answer.reason, err
}

func (s *Authorizer) wait(ctx context.Context, key string, a authorizer.Attributes) (review, error) {
	select {
	case <-ctx.Done():
		return review{decision: authorizer.DecisionNoOpinion}, ctx.Err()
	case done := <-s.share(ctx, key, a):
		return done.Val.(review), done.Err
	}
}

// share asks, or joins a request in flight for the same. A caller that gives up does not take the answer from the
// others.
func (s *Authorizer) share(ctx context.Context, key string, a authorizer.Attributes) <-chan singleflight.Result {
	return s.flights.DoChan(key, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
		defer cancel()
		return s.ask(shared, key, a)
	})
}

func (s *Authorizer) ask(ctx context.Context, key string, a authorizer.Attributes) (review, error) {
	asked := s.now()
	if known, ok := s.known.Get([]byte(key)); ok && asked.Before(known.due) { // a request in flight has just ended
		return known, nil
	}
	decision, reason, err := s.next.Authorize(ctx, a)
	answer := review{decision, reason, asked.Add(deniedTTL), asked.Add(deniedTTL)}
	if decision == authorizer.DecisionAllow {
		answer.due, answer.until = asked.Add(s.allowedTTL*2/3), asked.Add(s.allowedTTL)
	}
	if err == nil && len(key) <= reviewKeyLimit {
		s.known.Put(key, answer)
	}
	return answer, err
}

// ConditionsAwareAuthorize implements authorizer.Authorizer, without conditions.
func (s *Authorizer) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(s.Authorize(ctx, a))
}

// EvaluateConditions implements authorizer.Authorizer. There are no conditions, so it refuses.
func (*Authorizer) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

// appendReviewKey writes all attributes of a SubjectAccessReview, each after its length, so that different attributes
// have different keys. Its stack frames are small: here a request's new goroutine needs the most stack, and growing the
// stack costs more than the rest.
func appendReviewKey(b []byte, a authorizer.Attributes) []byte {
	b = appendUserKey(b, a.GetUser())
	if !a.IsResourceRequest() {
		return appendPart(appendPart(append(b, 'p'), a.GetVerb()), a.GetPath())
	}
	b = appendPart(append(b, 'r'), a.GetVerb())
	b = appendPart(b, a.GetAPIGroup())
	b = appendPart(b, a.GetAPIVersion())
	b = appendPart(b, a.GetResource())
	b = appendPart(b, a.GetSubresource())
	b = appendPart(b, a.GetNamespace())
	b = appendPart(b, a.GetName())
	fields, _ := a.GetFieldSelector() // the review contains what could be parsed
	labels, _ := a.GetLabelSelector()
	if len(fields) == 0 && len(labels) == 0 {
		return append(b, 0, 0)
	}
	return appendSelectorKey(b, fields, labels)
}

func appendSelectorKey(b []byte, fields fields.Requirements, labels labels.Requirements) []byte {
	b = binary.AppendUvarint(b, uint64(len(fields)))
	for _, f := range fields {
		b = appendPart(appendPart(appendPart(b, f.Field), string(f.Operator)), f.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(labels)))
	for i := range labels {
		b = appendPart(appendPart(b, labels[i].Key()), string(labels[i].Operator()))
		b = appendParts(b, labels[i].ValuesUnsorted())
	}
	return b
}

func appendUserKey(b []byte, u user.Info) []byte {
	if u == nil {
		return append(b, '0')
	}
	b = appendPart(appendPart(append(b, '1'), u.GetName()), u.GetUID())
	b = appendParts(b, u.GetGroups())
	extra := u.GetExtra()
	b = binary.AppendUvarint(b, uint64(len(extra)))
	if len(extra) == 0 {
		return b
	}
	keys := make([]string, 0, len(extra))
	for key := range extra {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		b = appendParts(appendPart(b, key), extra[key])
	}
	return b
}

func appendParts(b []byte, parts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(parts)))
	for _, part := range parts {
		b = appendPart(b, part)
	}
	return b
}

// appendPart is not inlined, or each of its many uses would take stack of its own.
//
//go:noinline
func appendPart(b []byte, part string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}
