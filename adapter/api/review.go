package api

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

const (
	// deniedTTL is short, so that a permission that was granted counts soon.
	deniedTTL = 10 * time.Second
	// reviewLimit bounds how many reviews are remembered, twice over.
	reviewLimit = 4096
	// reviewKeyLimit bounds what a client can make the server remember of one request.
	reviewKeyLimit = 4096
)

// reviews remembers what another authorizer decided, and asks it once for all who ask the same at the same time.
// Errors are not remembered. It is safe for concurrent use.
type reviews struct {
	next       authorizer.Authorizer
	allowedTTL time.Duration
	now        func() time.Time
	known      *recent[review]
	flights    singleflight.Group
	keys       sync.Pool
}

// review is an answer and until when it counts.
type review struct {
	decision authorizer.Decision
	reason   string
	until    time.Time
}

func newReviews(next authorizer.Authorizer, allowedTTL time.Duration, now func() time.Time) *reviews {
	return &reviews{
		next: next, allowedTTL: allowedTTL, now: now, known: newRecent[review](reviewLimit),
		keys: sync.Pool{New: func() any { return new([]byte) }},
	}
}

// Authorize implements authorizer.Authorizer.
func (s *reviews) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	buffer := s.keys.Get().(*[]byte)
	defer s.keys.Put(buffer)
	*buffer = appendReviewKey((*buffer)[:0], a)
	if known, ok := s.known.get(*buffer); ok && s.now().Before(known.until) {
		return known.decision, known.reason, nil
	}
	key := string(*buffer)
	flight := s.flights.DoChan(key, func() (any, error) {
		// One caller that gives up does not take the answer from the others.
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviewTimeout)
		defer cancel()
		return s.ask(shared, key, a)
	})
	select {
	case <-ctx.Done():
		return authorizer.DecisionNoOpinion, "", ctx.Err()
	case done := <-flight:
		answer := done.Val.(review)
		return answer.decision, answer.reason, done.Err
	}
}

func (s *reviews) ask(ctx context.Context, key string, a authorizer.Attributes) (review, error) {
	asked := s.now()
	if known, ok := s.known.get([]byte(key)); ok && asked.Before(known.until) { // a flight has just landed
		return known, nil
	}
	decision, reason, err := s.next.Authorize(ctx, a)
	answer := review{decision, reason, asked.Add(deniedTTL)}
	if decision == authorizer.DecisionAllow {
		answer.until = asked.Add(s.allowedTTL)
	}
	if err == nil && len(key) <= reviewKeyLimit {
		s.known.put(key, answer)
	}
	return answer, err
}

// ConditionsAwareAuthorize implements authorizer.Authorizer; there are no conditions.
func (s *reviews) ConditionsAwareAuthorize(ctx context.Context, a authorizer.Attributes) authorizer.ConditionsAwareDecision {
	return authorizer.ConditionsAwareDecisionFromParts(s.Authorize(ctx, a))
}

// EvaluateConditions implements authorizer.Authorizer; there are none, and who asks is refused.
func (*reviews) EvaluateConditions(context.Context, authorizer.ConditionsAwareDecision, authorizer.ConditionsData) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", authorizer.ErrorConditionEvaluationNotSupported
}

// appendReviewKey writes all that a SubjectAccessReview tells, each part after its length, so that no two
// requests that may be answered differently share a key.
func appendReviewKey(b []byte, a authorizer.Attributes) []byte {
	b = appendUserKey(b, a.GetUser())
	if !a.IsResourceRequest() {
		return appendParts(append(b, 'p'), a.GetVerb(), a.GetPath())
	}
	b = appendParts(append(b, 'r'), a.GetVerb(), a.GetAPIGroup(), a.GetAPIVersion(), a.GetResource(), a.GetSubresource(), a.GetNamespace(), a.GetName())
	fields, _ := a.GetFieldSelector() // what could be parsed is what is reviewed
	b = binary.AppendUvarint(b, uint64(len(fields)))
	for _, f := range fields {
		b = appendParts(b, f.Field, string(f.Operator), f.Value)
	}
	labels, _ := a.GetLabelSelector()
	b = binary.AppendUvarint(b, uint64(len(labels)))
	for i := range labels {
		values := labels[i].ValuesUnsorted()
		b = appendParts(b, labels[i].Key(), string(labels[i].Operator()))
		b = appendParts(binary.AppendUvarint(b, uint64(len(values))), values...)
	}
	return b
}

func appendUserKey(b []byte, u user.Info) []byte {
	if u == nil {
		return append(b, '0')
	}
	groups, extra := u.GetGroups(), u.GetExtra()
	b = appendParts(append(b, '1'), u.GetName(), u.GetUID())
	b = appendParts(binary.AppendUvarint(b, uint64(len(groups))), groups...)
	b = binary.AppendUvarint(b, uint64(len(extra)))
	if len(extra) == 0 {
		return b
	}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		b = appendParts(b, key)
		b = appendParts(binary.AppendUvarint(b, uint64(len(extra[key]))), extra[key]...)
	}
	return b
}

func appendParts(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
	}
	return b
}
