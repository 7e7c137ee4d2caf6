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
