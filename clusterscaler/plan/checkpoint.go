package plan

import (
	"maps"
	"slices"

	"github.com/trimtab/trimtab/clusterscaler/scheduling"
)

// checkpoint is all that growth for pods changes of a decision.
type checkpoint struct {
	mark     scheduling.Mark
	groups   []groupState
	settled  map[scheduling.NodeID][]*Pod
	batches  []batch
	verdicts []podVerdict
	upcoming int
	spares   []spare
	planned  map[string]*Placement
	total    scheduling.Resources
	onWay    map[spreadOn]scheduling.NodeID
	added    map[scheduling.NodeID][]share
}

func (d *decision) checkpoint() checkpoint {
	c := checkpoint{
		mark: d.cluster.Mark(), groups: slices.Clone(d.groups), settled: maps.Clone(d.settled), batches: copied(d.batches),
		verdicts: slices.Clone(d.verdicts), upcoming: len(d.upcoming), planned: maps.Clone(d.memory.Planned), total: d.total, onWay: maps.Clone(d.onWay), added: maps.Clone(d.added),
	}
	for _, s := range d.spares {
		c.spares = append(c.spares, *s)
	}
	return c
}

// restore takes back all growth since the checkpoint, which can be restored again.
func (d *decision) restore(c checkpoint) {
	d.cluster.Undo(c.mark)
	copy(d.groups, c.groups)
	copy(d.verdicts, c.verdicts)
	d.settled, d.batches, d.memory.Planned = maps.Clone(c.settled), copied(c.batches), maps.Clone(c.planned)
	d.onWay, d.added = maps.Clone(c.onWay), maps.Clone(c.added)
	d.upcoming, d.total = d.upcoming[:c.upcoming], c.total
	for i := range d.spares {
		*d.spares[i] = c.spares[i]
	}
}

// copied are the batches with lists of open nodes of their own.
func copied(batches []batch) []batch {
	out := slices.Clone(batches)
	for i := range out {
		out[i].open = slices.Clone(out[i].open)
	}
	return out
}
