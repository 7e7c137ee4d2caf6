package prom

import "github.com/prometheus/common/model"

// matrix reads the series of a range.
func (d *decoder) matrix() (model.Matrix, error) {
	matrix := model.Matrix{}
	if null, err := d.null(); null || err != nil {
		return matrix, err
	}
	known := []string{"metric", "values", "histograms"}
	err := d.array(func() error {
		stream, keys := &model.SampleStream{}, keys{known: known}
		err := d.object(func(key []byte) error {
			which, err := keys.which(d, key)
			if err != nil {
				return err
			}
			switch which {
			case "metric":
				var labels []Label
				labels, err = d.metric()
				stream.Metric = modelMetric(labels)
			case "values":
				stream.Values, err = d.samples()
			case "histograms":
				stream.Histograms, err = d.histograms()
			default:
				err = d.skip()
			}
			return err
		})
		matrix = append(matrix, stream)
		return err
	})
	return matrix, err
}

func (d *decoder) samples() (pairs []model.SamplePair, err error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	err = d.array(func() error {
		at, value, err := d.sample()
		pairs = append(pairs, model.SamplePair{Timestamp: at, Value: model.SampleValue(value)})
		return err
	})
	return pairs, err
}

func (d *decoder) histograms() (pairs []model.SampleHistogramPair, err error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	err = d.array(func() error {
		pair, err := d.histogram()
		pairs = append(pairs, pair)
		return err
	})
	return pairs, err
}
