package prom

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/prometheus/common/model"
)

// result has the data of a query's answer, in one of four forms.
type result struct {
	kind string
	// rows and histograms are a vector.
	rows       []Row
	histograms map[int]*model.SampleHistogram
	matrix     model.Matrix
	// scalar is a scalar, or a string.
	scalar *model.Scalar
	text   *model.String
}

// value is r as a type of prometheus/common.
func (r *result) value() model.Value {
	switch {
	case r.scalar != nil:
		return r.scalar
	case r.text != nil:
		return r.text
	case r.matrix != nil:
		return r.matrix
	default:
		return modelVector(r.rows, r.histograms)
	}
}

// result reads the data of a query's answer. If the result comes before its type, it is read after the type.
func (d *decoder) result() (r result, err error) {
	var early []byte
	done, keys := false, keys{known: []string{"resultType", "result"}}
	err = d.object(func(key []byte) error {
		which, err := keys.which(d, key)
		switch {
		case err != nil:
		case which == "resultType":
			var kind []byte
			kind, _, err = d.text()
			r.kind = string(kind)
		case which == "result" && r.kind == "":
			early, err = d.capture()
			early = bytes.Clone(early)
		case which == "result":
			done, err = true, d.fill(&r)
		default:
			err = d.skip()
		}
		return err
	})
	switch {
	case err != nil || done:
		return r, err
	case early == nil:
		return r, d.wrong("data without a result")
	}
	late := &decoder{shared: d.shared, seed: d.seed}
	late.reset(bytes.NewReader(early))
	late.maxRows, late.onlyVector = d.maxRows, d.onlyVector
	return r, late.fill(&r)
}

// fill reads the result, of the kind that r has.
func (d *decoder) fill(r *result) (err error) {
	switch {
	case r.kind != "matrix" && r.kind != "string":
	case d.onlyVector:
		return fmt.Errorf("it gives a %s, %w", r.kind, errNoVector)
	}
	switch r.kind {
	case "vector":
		r.rows, r.histograms, err = d.vector()
	case "matrix":
		r.matrix, err = d.matrix()
	case "scalar":
		r.scalar = new(model.Scalar)
		err = d.plain(r.scalar)
	case "string":
		r.text = new(model.String)
		err = d.plain(r.text)
	default:
		err = fmt.Errorf("unknown result type %.40q", r.kind)
	}
	return err
}

// plain reads a value with encoding/json.
func (d *decoder) plain(into any) error {
	text, err := d.capture()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return d.wrong("%v", err)
	}
	return nil
}
