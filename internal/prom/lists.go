package prom

import (
	"fmt"
	"strings"

	"github.com/prometheus/common/model"
)

// maxBatch is the maximum number of text bytes in one piece of memory.
const maxBatch = 16 << 10

// texts reads a list of strings. They share memory in batches, which needs a hundredth of the allocations.
func (d *decoder) texts() (list []string, err error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	var texts pile[string]
	var batch []byte
	var ends []int
	flush := func() {
		all, begin := string(batch), 0
		for _, end := range ends {
			texts.add(all[begin:end])
			begin = end
		}
		batch, ends = batch[:0], ends[:0]
	}
	err = d.array(func() error {
		text, _, err := d.text()
		if err != nil {
			return err
		}
		if len(batch)+len(text) > maxBatch {
			flush()
		}
		batch = append(batch, text...)
		ends = append(ends, len(batch))
		return nil
	})
	flush()
	return texts.all(), err
}

// maxRemarks is how many warnings of one answer are kept, and maxRemark how many bytes of each.
const maxRemarks, maxRemark = 100, 1 << 10

// remarks reads a list of warnings or infos. It keeps the first ones and the number of further ones.
func (d *decoder) remarks() (list []string, err error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	more := 0
	err = d.array(func() error {
		text, _, err := d.text()
		switch {
		case err != nil:
			return err
		case len(list) == maxRemarks:
			more++
		default:
			list = append(list, strings.ToValidUTF8(string(text[:min(len(text), maxRemark)]), ""))
		}
		return nil
	})
	if more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return list, err
}

// sets reads a list of label sets.
func (d *decoder) sets() (list []model.LabelSet, err error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	var sets pile[model.LabelSet]
	err = d.array(func() error {
		d.labels = d.labels[:0] // they are copied
		if c, err := d.peek(); err == nil && c != '{' {
			return d.wrong("a label set is due")
		}
		labels, err := d.metric()
		if err != nil {
			return err
		}
		for _, l := range labels {
			if !model.UTF8Validation.IsValidLabelName(l.Name) {
				return fmt.Errorf("%.80q is not the name of a label", l.Name)
			}
		}
		sets.add(model.LabelSet(modelMetric(labels)))
		return nil
	})
	return sets.all(), err
}
