package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// lyingCloud has a group a of 1 to 10 nodes, and tells the size that it is told to tell.
type lyingCloud struct {
	t         *testing.T
	size      int
	standing  []Node
	instances []string
	memory    Memory
	now       time.Time
}

// newLyingCloud has two nodes and tells so. It lists no instances but those that a test gives it.
func newLyingCloud(t *testing.T) *lyingCloud {
	return &lyingCloud{t: t, size: 2, standing: nodesOf("0", "1"), now: testTime()}
}

// look is what is believed of the group.
func (c *lyingCloud) look() Belief {
	c.t.Helper()
	g := asg("a", c.size, c.instances...)
	g.Min, g.Nodes = 1, []string{}
	for _, n := range c.standing {
		g.Nodes = append(g.Nodes, n.Name)
	}
	v, m := Judge([]Group{g}, c.standing, c.memory, testPolicy(), c.now)
	c.memory = m
	return v.Groups[0]
}

// want checks the size, and that nothing is doubted.
func (c *lyingCloud) want(when string, size int) {
	c.t.Helper()
	if b := c.look(); b.Target != size || b.Trouble != "" {
		c.t.Errorf("%s: size %d, trouble %q; want %d", when, b.Target, b.Trouble, size)
	}
}

// grow lets a group that is believed to have from nodes grow, which the cloud accepts.
func (c *lyingCloud) grow(from, by int) {
	r := c.memory.Growth("a", from, from+by)
	moved := r.Grow(c.size)
	c.size += moved
	c.memory = c.memory.Resized(r, moved, c.now)
}

// giveUp lowers the target by nodes that have not come, which the cloud accepts.
func (c *lyingCloud) giveUp(by int) {
	c.size -= by
	c.memory = c.memory.Shrunk("a", by)
}

// remove deletes a node, which the cloud accepts, and which goes at once.
func (c *lyingCloud) remove(at int) {
	c.size--
	c.memory, _ = c.memory.Deleted(c.standing[at].Name, "a", c.now)
	c.standing = append(c.standing[:at:at], c.standing[at+1:]...)
}

// A size above the maximum is believed as far as there are nodes or instances: a limit may have been lowered.
func TestSizeAboveTheMaximum(t *testing.T) {
	for _, c := range []struct {
		size, want int
		instances  string
	}{
		{50_000, 2, ""},
		{11, 3, "0 1 2?"},
		{11, 3, "2?"},
		{11, 11, "0 1 2 3 4 5 6 7 8 9 10?"},
		{12, 11, "0 1 2 3 4 5 6 7 8 9 10? 11-"},
		{10, 10, ""},
	} {
		cloud := newLyingCloud(t)
		cloud.size, cloud.instances = c.size, strings.Fields(c.instances)
		if b := cloud.look(); b.Target != c.want || strings.Contains(b.Trouble, "more than its maximum of 10") != (c.size > c.want) || b.Min != 1 || b.Max != 10 {
			t.Errorf("size %d with %v: %+v, want %d", c.size, c.instances, b, c.want)
		}
	}
}

// A cloud that accepts growth and goes on telling the old size is believed what it accepted for a while. Then the group does not
// grow until the size is told, or requested nodes would be given up.
func TestAcceptedAndNotTold(t *testing.T) {
	c := newLyingCloud(t)
	c.look()
	c.grow(2, 3)
	c.size = 2 // it forgets
	for _, step := range []struct {
		after   time.Duration
		size    int
		trouble string
	}{
		{0, 5, ""},
		{staleAge - time.Second, 5, ""},
		{time.Second, 2, "the cloud accepted to let it grow to 5 nodes 1m0s ago, and says 2"},
		{10 * time.Minute, 2, "the cloud accepted to let it grow to 5 nodes 11m0s ago, and says 2"},
		{4 * time.Minute, 2, ""},
	} {
		c.now = c.now.Add(step.after)
		if b := c.look(); b.Target != step.size || b.Trouble != step.trouble || b.Min != 1 || b.Max != 10 {
			t.Errorf("%s later: %+v, want %d and %q", step.after, b, step.size, step.trouble)
		}
	}
}

// A group that the cloud does not name for a moment is owed its nodes when it is named again.
func TestAcceptedAndTheGroupVanishes(t *testing.T) {
	c := newLyingCloud(t)
	c.look()
	c.grow(2, 3)
	c.size = 2
	_, c.memory = Judge(nil, c.standing, c.memory, testPolicy(), c.now)
	c.want("named again", 5)
	_, m := Judge(nil, nil, c.memory, testPolicy(), c.now.Add(15*time.Minute))
	if len(m.Promises)+len(m.Told) != 0 {
		t.Errorf("remembered for ever: %+v", m)
	}
}

// A size that counts fewer nodes than stand does not hide those that were asked for beside them, until they have come or would
// be given up.
func TestAcceptedBesideNodesThatAreNotCounted(t *testing.T) {
	c := newLyingCloud(t)
	c.size = 1
	c.want("one of two is counted", 1)
	c.grow(1, 1) // the cloud tells 2
	c.want("one is on its way", 3)
	c.grow(3, 2) // and 4, though it was to be 5
	if c.size != 4 {
		t.Fatalf("the cloud was asked for %d", c.size)
	}
	c.want("three are on their way", 5)
	c.standing = append(c.standing, nodesOf("2")...)
	c.want("two are on their way", 5)
	c.standing = append(c.standing, nodesOf("3")...)
	c.want("one is on its way", 5)
	c.remove(3)
	c.want("one that has come is deleted", 4)
	c.remove(0)
	c.want("one that stood is deleted", 3)
	c.now = c.now.Add(15*time.Minute - time.Second)
	c.want("the last may still come", 3)
	c.now = c.now.Add(time.Second)
	c.want("the last would be given up", c.size)
}

// Once all promised nodes have come, the size that is told is a doubt no more, however low it is.
func TestAcceptedAndComeAndNotTold(t *testing.T) {
	c := newLyingCloud(t)
	c.look()
	c.grow(2, 1)
	c.size = 2
	c.standing = append(c.standing, nodesOf("2")...)
	c.now = c.now.Add(2 * time.Minute)
	c.want("all have come", 2)
}

// What stands and comes beside the size does not make a group too large: the cloud bounds it.
func TestAcceptedUpToTheMaximum(t *testing.T) {
	c := newLyingCloud(t)
	c.size = 9
	for i := 2; i < 10; i++ {
		c.standing = append(c.standing, nodesOf(fmt.Sprint(i))...)
	}
	c.look()
	c.grow(9, 1)
	c.want("ten stand, and one is on its way", 10)
}

// Once the size has been told it may fall again: that is no lie.
func TestAcceptedAndTold(t *testing.T) {
	c := newLyingCloud(t)
	c.look()
	c.grow(2, 3)
	c.look()
	c.size = 2
	c.want("somebody lowers it", 2)
}

// What is deleted or given up meanwhile is not promised any more, and what is given up beyond what was promised is not owed to the
// next promise.
func TestAcceptedAndShrunk(t *testing.T) {
	c := newLyingCloud(t)
	c.look()
	c.grow(2, 3)
	c.remove(0)
	c.want("after a removal", 4)
	c.grow(4, 2)
	c.giveUp(2)
	c.want("after nodes were given up", 4)

	c = newLyingCloud(t)
	c.size = 5 // three are on their way for another
	c.look()
	c.grow(5, 1)
	c.giveUp(4)
	c.grow(2, 2)
	c.size = 2 // it forgets
	c.want("the last two are on their way", 4)
}

// Growth that is accepted beside the giving up of other nodes promises the size that comes of both.
func TestGrowthBesideGivingUp(t *testing.T) {
	c := newLyingCloud(t)
	c.size = 5
	c.want("two of five stand", 5)
	r := c.memory.Growth("a", 5, 7)
	c.giveUp(3)
	moved := r.Grow(c.size)
	c.size += moved
	c.memory = c.memory.Resized(r, moved, c.now)
	c.want("at once", 4)
	c.now = c.now.Add(2 * staleAge)
	c.want("later", 4)
}
