package externalgrpc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/externalgrpctest"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc/protocol"
)

// instances makes some from texts: "id" runs, "id?" is being made, "id!" has failed, "id-" is being deleted.
func instances(texts ...string) []*protocol.Instance {
	var out []*protocol.Instance
	for _, text := range texts {
		i := &protocol.Instance{Id: "cloud://" + strings.TrimRight(text, "?!-"), Status: &protocol.InstanceStatus{InstanceState: protocol.InstanceStatus_instanceRunning}}
		switch text[len(text)-1] {
		case '?':
			i.Status.InstanceState = protocol.InstanceStatus_instanceCreating
		case '-':
			i.Status.InstanceState = protocol.InstanceStatus_instanceDeleting
		case '!':
			i.Status.InstanceState = protocol.InstanceStatus_instanceCreating
			i.Status.ErrorInfo = &protocol.InstanceErrorInfo{ErrorCode: "QUOTA", ErrorMessage: "no more", InstanceErrorClass: 1}
		}
		out = append(out, i)
	}
	return out
}

// told puts instances and a size into the group a.
func (r *rig) told(size int32, texts ...string) {
	r.server.Change(func(s *externalgrpctest.Fake) { s.Sizes["a"], s.Instances["a"] = size, instances(texts...) })
}

// size is that of the group a at the server.
func (r *rig) size() (n int32) {
	r.server.Change(func(s *externalgrpctest.Fake) { n = s.Sizes["a"] })
	return n
}

// deleted is what the server was told to delete, with the reasons.
func (r *rig) deleted() string {
	var out []string
	r.server.Change(func(s *externalgrpctest.Fake) {
		for _, n := range s.Deleted {
			out = append(out, strings.TrimPrefix(n.GetProviderID(), "cloud://")+" "+n.GetAnnotations()[reasonAnnotation])
		}
	})
	return strings.Join(out, ", ")
}

// Instances that cannot be made are told as failures, but not those that are nodes, go, or have an error as they run.
func TestFailedInstances(t *testing.T) {
	r := newRig(t)
	r.told(5, "a-0!", "a-1", "a-2!", "a-3-", "a-4!", "a-2!")
	groups, _ := r.groups(nodes()...)
	var got []string
	for _, f := range groups[0].Failed {
		got = append(got, fmt.Sprint(f.Instance, " ", f.Class, ": ", f.Message))
	}
	if want := []string{"cloud://a-2 capacity: QUOTA (out of resources): no more", "cloud://a-4 capacity: QUOTA (out of resources): no more"}; !slices.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupNodes/a"] = errFake })
	if groups, _ := r.groups(nodes()...); groups[0].Failed != nil {
		t.Errorf("told of what is not known: %v", groups[0].Failed)
	}
}

// Failed instances are deleted by their names, as cluster-autoscaler does.
func TestDecreaseDeletesWhatFailed(t *testing.T) {
	r := newRig(t)
	r.told(4, "a-0", "a-1", "a-2!", "a-3!")
	r.groups(nodes()...)
	if err := r.decrease("a", 4, 2); err != nil {
		t.Fatal(err)
	}
	if got, want := r.deleted(), "a-2 create-error, a-3 create-error"; got != want || r.size() != 2 {
		t.Errorf("deleted %s, size %d; want %s", got, r.size(), want)
	}
	if n := r.server.Called("NodeGroupDecreaseTargetSize"); n != 0 {
		t.Errorf("the size was lowered as well, %d times", n)
	}
}

// For nodes without an instance the size is lowered. Instances that have not become nodes are not given up, however long
// they have waited: the provider lists them, and they are deleted by their names.
func TestDecreaseOfWhatHasNotCome(t *testing.T) {
	r := newRig(t)
	r.told(5, "a-0", "a-1", "a-2?")
	r.groups(nodes()...)
	r.now = r.now.Add(time.Hour)
	r.told(6, "a-0", "a-1", "a-2", "a-3?", "a-4-")
	groups, _ := r.groups(nodes()...)
	if got, want := strings.Join(groups[0].Unregistered, " "), "cloud://a-2 cloud://a-3"; got != want {
		t.Errorf("without a node are %s, want %s", got, want)
	}
	r.told(6, "a-0", "a-1", "a-2", "a-3?")
	err := r.decrease("a", 6, 4)
	if want := "group a: of the nodes to give up 2 are there or may still come"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if r.deleted() != "" || r.size() != 4 {
		t.Errorf("deleted %s, size %d; want none, 4", r.deleted(), r.size())
	}
}

// Instances without a node stay known while the server does not list them, as those of nodes that have come since do not.
func TestUnregisteredInstancesOfATroubledServer(t *testing.T) {
	r := newRig(t)
	r.told(4, "a-0", "a-1", "a-2")
	r.groups(nodes()[:1]...)
	r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupNodes/a"] = errFake })
	groups, _ := r.groups(nodes()...)
	if got := strings.Join(groups[0].Unregistered, " "); got != "cloud://a-2" {
		t.Errorf("without a node are %q, want cloud://a-2", got)
	}
}

// Instances without a node are deleted whatever the minimum is, which is not asked here; but none of the nodes that stand
// goes with them.
func TestDeleteOfInstancesWithoutANode(t *testing.T) {
	for _, c := range []struct {
		name, ids, deleted, err string
		size                    int32
	}{
		{"below the minimum", "a-2 a-3", "a-2 unregistered, a-3 unregistered", "", 4},
		{"the size is lower meanwhile", "a-2 a-3", "", "its size is 3 by now; without 2 of them it would be below the 2 nodes that stand", 3},
		{"one that is a node", "a-2 a-0", "a-2 unregistered", "", 4},
		{"one that is gone", "a-9", "", "", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.server.Change(func(s *externalgrpctest.Fake) { s.Groups[0] = &protocol.NodeGroup{Id: "a", MinSize: 4, MaxSize: 10} })
			r.told(4, "a-0", "a-1", "a-2", "a-3?")
			r.groups(nodes()...)
			r.told(c.size, "a-0", "a-1", "a-2", "a-3?")
			_, err := r.provider.Terminate(t.Context(), r.view.Unregistered("a", strings.Fields("cloud://"+strings.ReplaceAll(c.ids, " ", " cloud://"))))
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %s", err, c.err)
			}
			if r.deleted() != c.deleted {
				t.Errorf("deleted %q, want %q", r.deleted(), c.deleted)
			}
		})
	}
}

// What has changed since the observation is seen before anything is given up.
func TestDecreaseLooksAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(r *rig)
		from, by int
		deleted  string
		size     int32
		err      string
	}{
		{"the failed one has come", func(r *rig) { r.told(4, "a-0", "a-1", "a-2", "a-3!") }, 4, 2, "a-3 create-error", 3, "1 are there"},
		{"somebody has lowered the size by one", func(r *rig) { r.told(3, "a-0", "a-1", "a-2!", "a-3!") }, 4, 2, "a-2 create-error", 2, ""},
		{"somebody has lowered it to what stands", func(r *rig) { r.told(2, "a-0", "a-1", "a-2!", "a-3!") }, 4, 2, "", 2, ""},
		{"the failed ones are being deleted", func(r *rig) { r.told(4, "a-0", "a-1", "a-2-", "a-3-") }, 4, 2, "", 4, "refused by the fake"},
		{"the instances are gone", func(r *rig) { r.told(4, "a-0", "a-1") }, 4, 2, "", 2, ""},
		{"others have come in their places", func(r *rig) { r.told(4, "a-0", "a-1", "a-8", "a-9?") }, 4, 2, "", 4, "2 are there"},
		{"the list is empty, though nodes stand", func(r *rig) { r.told(4) }, 4, 4, "", 2, "2 are there"},
		{"the group has grown", func(r *rig) { r.told(9, "a-0", "a-1", "a-2!", "a-3!") }, 4, 2, "a-2 create-error, a-3 create-error", 7, ""},
		{"throttled", func(r *rig) {
			r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupNodes/a"] = errFake })
		}, 4, 2, "", 4, "rate exceeded"},
		{"the server does not say the size", func(r *rig) {
			r.server.Change(func(s *externalgrpctest.Fake) { s.Fail["NodeGroupTargetSize/a"] = errFake })
		}, 4, 2, "", 4, "rate exceeded"},
		{"it lies about the size", func(r *rig) { r.told(-4, "a-0", "a-1", "a-2!") }, 4, 2, "", -4, "-4 is no size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.told(4, "a-0", "a-1", "a-2!", "a-3!")
			r.groups(nodes()...)
			c.change(r)
			err := r.decrease("a", c.from, c.by)
			if c.err == "refused by the fake" {
				c.err = "has 4 instances" // those that go still count there
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %s", err, c.err)
			}
			if r.deleted() != c.deleted || r.size() != c.size {
				t.Errorf("deleted %q, size %d; want %q, %d", r.deleted(), r.size(), c.deleted, c.size)
			}
		})
	}
}

func TestDecreaseOfAnUnknownGroup(t *testing.T) {
	r := newRig(t)
	if err := r.decrease("c", 4, 1); err == nil || !strings.Contains(err.Error(), "of group c: NotFound") {
		t.Error(err)
	}
}

// Calls that give nodes up are made once, whatever happens.
func TestDecreaseIsNotRepeated(t *testing.T) {
	r := newRig(t)
	for _, method := range []string{"NodeGroupDecreaseTargetSize", "NodeGroupDeleteNodes"} {
		r.told(4, "a-0", "a-1")
		if method == "NodeGroupDeleteNodes" {
			r.told(4, "a-0", "a-1", "a-2!")
		}
		r.groups(nodes()...)
		r.server.Change(func(s *externalgrpctest.Fake) { s.Fail[method] = status.Error(codes.Unavailable, "try again") })
		err := r.decrease("a", 4, 1)
		if n := r.server.Called(method); n != 1 || err == nil || !strings.Contains(err.Error(), method+" of group a: Unavailable") {
			t.Errorf("%s: %d calls, %v", method, n, err)
		}
	}
}
