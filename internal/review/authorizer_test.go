package review

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// judge decides by the user's name, and counts.
type judge struct {
	authorizer.Authorizer
	asked atomic.Int64
	hold  chan struct{}
	// revoked and broken change what is decided.
	revoked, broken atomic.Bool
}

func (j *judge) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	j.asked.Add(1)
	if j.hold != nil {
		select {
		case <-j.hold:
		case <-ctx.Done():
			return authorizer.DecisionNoOpinion, "", ctx.Err()
		}
	}
	switch name := a.GetUser().GetName(); {
	case j.broken.Load() || name == "error":
		return authorizer.DecisionNoOpinion, "", errors.New("the API server is down")
	case j.revoked.Load() || name == "denied":
		return authorizer.DecisionDeny, "no", nil
	case name == "limited": // may see what has the label
		if labels, _ := a.GetLabelSelector(); len(labels) == 1 && labels[0].Key() == "mine" {
			return authorizer.DecisionAllow, "mine", nil
		}
		return authorizer.DecisionDeny, "not all", nil
	case name == "allowed":
		return authorizer.DecisionAllow, "because", nil
	default:
		return authorizer.DecisionNoOpinion, "", nil
	}
}

func by(name string) authorizer.AttributesRecord {
	return authorizer.AttributesRecord{User: &user.DefaultInfo{Name: name}, ResourceRequest: true, Verb: "get", Resource: "pods"}
}

func TestReviewsAreRemembered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user  string
		after time.Duration
		asked int64
	}{
		{"allowed", 0, 1}, {"allowed", 39 * time.Second, 1}, {"allowed", time.Minute, 2},
		{"denied", 0, 1}, {"denied", 9 * time.Second, 1}, {"denied", 10 * time.Second, 2},
		{"unknown", 9 * time.Second, 1}, {"unknown", 10 * time.Second, 2},
		{"error", 0, 2},
	} {
		j := &judge{}
		now := time.Unix(1e9, 0)
		s := Remember(j, time.Minute, func() time.Time { return now })
		d1, r1, err1 := s.Authorize(t.Context(), by(c.user))
		now = now.Add(c.after)
		d2, r2, err2 := s.Authorize(t.Context(), by(c.user))
		if asked := j.asked.Load(); asked != c.asked {
			t.Errorf("%s, again after %s: asked %d times, want %d", c.user, c.after, asked, c.asked)
		}
		if d1 != d2 || r1 != r2 || (err1 == nil) != (err2 == nil) || (err1 == nil) == (c.user == "error") {
			t.Errorf("%s: %v %q %v, then %v %q %v", c.user, d1, r1, err1, d2, r2, err2)
		}
	}
}

// Who asks again and again waits for the first review only, and yet a permission that is gone counts no longer than
// its time.
func TestAPermissionInUseIsReviewedAheadOfItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &judge{}
		s := Remember(j, time.Minute, time.Now)
		is := func(when string, want authorizer.Decision, asked int64) {
			t.Helper()
			if got, _, err := s.Authorize(t.Context(), by("allowed")); got != want || err != nil {
				t.Errorf("%s: %v %v, want %v", when, got, err, want)
			}
			synctest.Wait() // for a review that nobody waits for
			if got := j.asked.Load(); got != asked {
				t.Errorf("%s: %d reviews, want %d", when, got, asked)
			}
		}
		is("at first", authorizer.DecisionAllow, 1)
		time.Sleep(39 * time.Second)
		is("after 39 s", authorizer.DecisionAllow, 1)
		j.hold = make(chan struct{}) // no answer for now: nobody notices
		time.Sleep(2 * time.Second)
		for range 3 {
			is("after 41 s", authorizer.DecisionAllow, 2)
		}
		time.Sleep(5 * time.Second)
		close(j.hold)
		synctest.Wait()
		time.Sleep(30 * time.Second) // the first would have ended by now
		is("30 s after the second", authorizer.DecisionAllow, 2)
		time.Sleep(6 * time.Second)
		j.revoked.Store(true)
		is("41 s after the second was asked for", authorizer.DecisionAllow, 3)
		is("once the third is there", authorizer.DecisionDeny, 3)
		j.revoked.Store(false)
		time.Sleep(deniedTTL)
		is("a refusal ends", authorizer.DecisionAllow, 4)
		j.broken.Store(true)
		time.Sleep(50 * time.Second)
		is("when no answer comes", authorizer.DecisionAllow, 5)
		time.Sleep(9 * time.Second)
		is("still", authorizer.DecisionAllow, 6)
		time.Sleep(time.Second)
		if got, _, err := s.Authorize(t.Context(), by("allowed")); got == authorizer.DecisionAllow || err == nil {
			t.Errorf("at its end: %v %v", got, err)
		}
	})
}

func TestThoseWhoAskAtTheSameTimeShareAReview(t *testing.T) {
	t.Parallel()
	j := &judge{hold: make(chan struct{})}
	s := Remember(j, time.Minute, time.Now)
	gone, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, _, err := s.Authorize(gone, by("allowed")); left <- err }()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if d, _, err := s.Authorize(t.Context(), by("allowed")); d != authorizer.DecisionAllow || err != nil {
				t.Errorf("%v %v", d, err)
			}
		})
	}
	leave() // whoever began it does not take it from the others
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left gets %v", err)
	}
	close(j.hold)
	all.Wait()
	if asked := j.asked.Load(); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// Who may see all is asked about once, whatever the selectors. Who may see a part is asked about that part, and a refusal
// of all is none of the part, nor a permission of the part one of all.
func TestASelectorOnlyLimits(t *testing.T) {
	t.Parallel()
	with := func(user, selector string) authorizer.AttributesRecord {
		parsed, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		a := by(user)
		a.Verb = "list"
		a.LabelSelectorRequirements, _ = parsed.Requirements()
		return a
	}
	field := with("allowed", "")
	field.FieldSelectorRequirements = fields.OneTermEqualSelector("a", "b").Requirements()
	namespace, name, resource := with("allowed", "a=b"), with("allowed", "a=b"), with("allowed", "a=b")
	namespace.Namespace, name.Name, resource.Resource = "ns", "p", "nodes"
	j := &judge{}
	s := Remember(j, time.Minute, time.Now)
	for i, c := range []struct {
		a      authorizer.AttributesRecord
		want   authorizer.Decision
		reason string
		asked  int64
	}{
		{with("allowed", "a=b"), authorizer.DecisionAllow, "because", 1},
		{with("allowed", "a=c"), authorizer.DecisionAllow, "because", 1},
		{with("allowed", ""), authorizer.DecisionAllow, "because", 1},
		{field, authorizer.DecisionAllow, "because", 1},
		{namespace, authorizer.DecisionAllow, "because", 2},
		{name, authorizer.DecisionAllow, "because", 3},
		{resource, authorizer.DecisionAllow, "because", 4},
		{with("limited", "mine=1"), authorizer.DecisionAllow, "mine", 6},
		{with("limited", "mine=1"), authorizer.DecisionAllow, "mine", 6},
		{with("limited", "mine=2"), authorizer.DecisionAllow, "mine", 7},
		{with("limited", "a=b"), authorizer.DecisionDeny, "not all", 8},
		{with("limited", ""), authorizer.DecisionDeny, "not all", 8},
		{with("denied", "a=b"), authorizer.DecisionDeny, "no", 10},
	} {
		got, reason, err := s.Authorize(t.Context(), c.a)
		if asked := j.asked.Load(); got != c.want || reason != c.reason || err != nil || asked != c.asked {
			t.Errorf("%d: %v %q %v after %d reviews, want %v %q after %d", i, got, reason, err, asked, c.want, c.reason, c.asked)
		}
	}
	j.broken.Store(true)
	if got, _, err := s.Authorize(t.Context(), with("another", "a=b")); got == authorizer.DecisionAllow || err == nil || j.asked.Load() != 11 {
		t.Errorf("where the API server is down: %v %v after %d reviews", got, err, j.asked.Load())
	}
}

// Whatever a review tells makes another key, also where the same text is split in another way.
func TestNoTwoReviewsShareAKey(t *testing.T) {
	t.Parallel()
	selector := func(text string) labels.Requirements {
		parsed, err := labels.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		requirements, _ := parsed.Requirements()
		return requirements
	}
	changes := map[string]func(*authorizer.AttributesRecord, *user.DefaultInfo){
		"nothing":     func(*authorizer.AttributesRecord, *user.DefaultInfo) {},
		"name":        func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.Name = "b" },
		"longer name": func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.Name, u.UID = "a1", "" },
		"uid":         func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.UID = "2" },
		"groups":      func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.Groups = []string{"g", "h"} },
		"one group":   func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.Groups = []string{"gh"} },
		"group order": func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) { u.Groups = []string{"h", "g"} },
		"extra": func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) {
			u.Extra = map[string][]string{"k": {"v", "w"}}
		},
		"extra split": func(_ *authorizer.AttributesRecord, u *user.DefaultInfo) {
			u.Extra = map[string][]string{"k": {"v"}, "w": {}}
		},
		"no user":     func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.User = nil },
		"verb":        func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.Verb = "list" },
		"group":       func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.APIGroup = "x" },
		"version":     func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.APIVersion = "x" },
		"resource":    func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.Resource = "x" },
		"subresource": func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.Subresource = "x" },
		"namespace":   func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.Namespace = "x" },
		"object":      func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.Name = "x" },
		"path":        func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.ResourceRequest, a.Path = false, "/x" },
		"other path":  func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) { a.ResourceRequest, a.Path = false, "/y" },
		"labels": func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) {
			a.LabelSelectorRequirements = selector("a in (b,c)")
		},
		"more labels": func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) {
			a.LabelSelectorRequirements = selector("a in (b),c")
		},
		"operator": func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) {
			a.LabelSelectorRequirements = selector("a notin (b,c)")
		},
		"fields": func(a *authorizer.AttributesRecord, _ *user.DefaultInfo) {
			a.FieldSelectorRequirements = fields.OneTermEqualSelector("a", "b").Requirements()
		},
	}
	keys := map[string]string{}
	for name, change := range changes {
		u := &user.DefaultInfo{Name: "a", UID: "1", Groups: []string{"g"}}
		a := authorizer.AttributesRecord{User: u, ResourceRequest: true, Verb: "get", Resource: "pods", Path: "/p"}
		change(&a, u)
		key := string(appendReviewKey(nil, &a))
		if other, ok := keys[key]; ok {
			t.Errorf("%s and %s have one key", name, other)
		}
		keys[key] = name
		if again := string(appendReviewKey(nil, &a)); again != key {
			t.Errorf("%s: %q, then %q", name, key, again)
		}
	}
}
