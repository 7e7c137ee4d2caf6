package plan

import "github.com/trimtab/trimtab/internal/verdict"

// growToMinimum grows groups that are smaller than they must be, whether pods need nodes or not, as far as the limits
// and back-offs of growth allow.
func (d *decision) growToMinimum() {
	if !d.policy.EnforceMinSize {
		return
	}
	for i := range d.groups {
		g := &d.groups[i]
		size := g.Target + g.grows
		if size >= g.Min {
			continue
		}
		room, why := d.room(g)
		if room > 0 {
			room, why = d.loopRoom(g, room)
		}
		if room == 0 {
			if g.verdict.Code == "" {
				g.verdict = why
			}
			continue
		}
		n := min(g.Min-size, room)
		if g.Options.AllOrNothing {
			n = room
		}
		for range n {
			d.addTemplate(g)
			d.upcoming = append(d.upcoming, g.Name)
		}
		g.grows += n
		d.total = d.total.Plus(d.countedOf(g.Group), int64(n))
		facts := []verdict.Fact{verdict.Number("min", g.Min)}
		if g.verdict.Code == ScaledUpGroup { // for pods, too
			facts = append(facts, g.verdict.Facts...)
		}
		g.verdict = verdict.Because(groupSubject(g.Name), ScaledUpGroup, facts...)
	}
}
