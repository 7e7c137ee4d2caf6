package scheduling

import (
	"math/rand/v2"
	"testing"
)

// Whatever happens to the nodes, the next with room is the one that a look at each of them finds.
func TestNextWithRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		classes := &Classes{}
		var all []Class
		for range 6 {
			all = append(all, classes.Intern(Spec{Requests: Resources{MilliCPU: 100 * r.Int64N(8), Memory: r.Int64N(4) << 28, Pods: r.Int64N(2)}}))
		}
		node := func() *Node {
			return &Node{Allocatable: Resources{MilliCPU: 1000, Memory: r.Int64N(3) << 30, Pods: 3}}
		}
		fill := classes.Intern(Spec{Requests: Resources{MilliCPU: 900, Memory: 1 << 30, Pods: 3}}) // nearly all of a node
		c := NewCluster(classes)
		for range r.IntN(4 * blockSize) {
			c.Place(fill, c.AddNode(node()), 1)
		}
		var marks []Mark
		for range 300 {
			class := all[r.IntN(len(all))]
			if c.Len() > 0 {
				id := NodeID(r.IntN(c.Len()))
				switch r.IntN(8) {
				case 0, 1, 2, 3:
					c.Fill(class, id, 1+r.IntN(20))
				case 4:
					c.Place(class, id, 1)
				case 5:
					c.Take(fill, id, 1)
					if r.IntN(2) == 0 {
						c.Place(fill, id, 1)
					}
				case 6:
					c.Hide(id)
				case 7:
					marks = append(marks, c.Mark())
				}
			}
			if r.IntN(4) == 0 {
				c.Place(fill, c.AddNode(node()), 1)
			}
			if len(marks) > 0 && r.IntN(10) == 0 {
				c.Undo(marks[len(marks)-1])
				marks = marks[:len(marks)-1]
			}
			from := NodeID(r.IntN(c.Len() + 1))
			if r.IntN(2) == 0 {
				from -= from % blockSize
			}
			want := from
			for ; int(want) < c.Len(); want++ {
				free, need := c.Free(want), classes.Spec(class).Requests
				if !c.Hidden(want) && free.copies(need) > 0 {
					break
				}
			}
			if got := c.NextWithRoom(class, from); got != want {
				t.Fatalf("from %d of %d: %d, want %d", from, c.Len(), got, want)
			}
		}
	}
}
