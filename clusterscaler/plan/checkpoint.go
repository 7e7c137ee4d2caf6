package plan

import (
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/simulate"
)

// checkpoint is all that growth for pods changes of a decision.
type checkpoint struct {
	mark     simulate.Mark
	groups   []groupState
	batches  []batch
	placed   int
	upcoming int
	total    simulate.Resources
}

func (d *decision) checkpoint() checkpoint {
	return checkpoint{
		mark: d.cluster.Mark(), groups: slices.Clone(d.groups), batches: copied(d.batches), placed: len(d.placed), upcoming: len(d.upcoming), total: d.total,
	}
}

// restore takes back all growth since the checkpoint, which can be restored again.
func (d *decision) restore(c checkpoint) {
	d.cluster.Undo(c.mark)
	copy(d.groups, c.groups)
	d.batches, d.placed, d.upcoming, d.total = copied(c.batches), d.placed[:c.placed], d.upcoming[:c.upcoming], c.total
}

// copied are the batches with lists of open nodes of their own.
func copied(batches []batch) []batch {
	out := slices.Clone(batches)
	for i := range out {
		out[i].open = slices.Clone(out[i].open)
	}
	return out
}
