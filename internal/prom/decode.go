package prom

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
)

const (
	// keptBuffer is the largest buffer of a decoder that is kept.
	keptBuffer = 1 << 20
	// maxShared bounds the strings that a decoder keeps from one answer to the next.
	maxShared, maxSharedBytes = 1 << 12, 100
	// maxSeconds bounds the digits of a time.
	maxSeconds = 12
	// maxLabels bounds the labels of one series: in memory each costs four times what a hostile server writes.
	maxLabels = 1 << 12
)

var (
	// errSeveralRows ends the reading of an answer with more rows than the question takes.
	errSeveralRows = errors.New("it gives several series, where one number is needed; aggregate them, as in sum(...)")
	// errNoVector ends the reading of a result that is no vector, where the question takes nothing else.
	errNoVector = errors.New("where an instant vector or a scalar is needed")
)

// decoder reads the API's answers. Where what it reads can have two meanings, as a key that stands twice
// or a sample without a value, it gives an error, not one of them.
type decoder struct {
	scanner
	// labels is where the labels of the next rows go.
	labels []Label
	// shared are strings that were read lately, each at the place that its hash gives.
	shared []string
	seed   maphash.Seed
	// maxRows ends the reading of a vector of more rows; 0 is no limit. onlyVector ends that of a result which is
	// neither a vector nor a scalar. Both are properties of the question.
	maxRows    int
	onlyVector bool
}

func newDecoder() *decoder {
	return &decoder{shared: make([]string, maxShared), seed: maphash.MakeSeed()}
}

// reset makes the decoder ready to read src.
func (d *decoder) reset(src io.Reader) {
	d.scanner.reset(src)
	d.labels, d.maxRows, d.onlyVector = nil, 0, false
}

// share is b as a string, which may be one that was given before.
func (d *decoder) share(b []byte) string {
	if len(b) > maxSharedBytes {
		return string(b)
	}
	place := &d.shared[maphash.Bytes(d.seed, b)%uint64(len(d.shared))]
	if *place != string(b) {
		*place = string(b)
	}
	return *place
}

// keys tells the keys of an object from each other.
type keys struct {
	known []string
	seen  uint
}

// which is the key if it is known, "" if not, and an error if it stands twice or is written in the wrong case:
// encoding/json would take it for the known one.
func (k *keys) which(d *decoder, key []byte) (string, error) {
	for i, known := range k.known {
		if string(key) == known {
			if k.seen&(1<<i) != 0 {
				return "", d.wrong("the key %q stands twice", key)
			}
			k.seen |= 1 << i
			return known, nil
		}
	}
	for _, known := range k.known {
		if strings.EqualFold(string(key), known) {
			return "", d.wrong("the key %q must be %q", key, known)
		}
	}
	return "", nil
}

// metric reads the labels of a series.
func (d *decoder) metric() ([]Label, error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	if cap(d.labels)-len(d.labels) < 32 {
		d.labels = make([]Label, 0, 1024)
	}
	begin := len(d.labels)
	err := d.object(func(key []byte) error {
		if len(d.labels)-begin == maxLabels {
			return d.wrong("a series of more than %d labels", maxLabels)
		}
		name := d.share(key)
		value, _, err := d.text()
		if err != nil {
			return err
		}
		d.labels = append(d.labels, Label{name, d.share(value)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	labels := tidy(d.labels[begin:len(d.labels):len(d.labels)])
	d.labels = d.labels[:begin+len(labels)]
	return labels[:len(labels):len(labels)], nil
}

// sample reads a time and a value: [1700000000.123,"1.5"].
func (d *decoder) sample() (at model.Time, value float64, err error) {
	place := 0
	err = d.array(func() error {
		place++
		switch place {
		case 1:
			at, err = d.time()
		case 2:
			value, err = d.float()
		default:
			err = d.wrong("a sample of more than a time and a value")
		}
		return err
	})
	if err == nil && place < 2 {
		err = d.wrong("a sample without a time or a value")
	}
	return at, value, err
}

// time reads seconds since 1970. What stands behind the milliseconds is cut off.
func (d *decoder) time() (model.Time, error) {
	digits, err := d.number()
	if err != nil {
		return 0, err
	}
	whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(digits, []byte("-")), []byte("."))
	if len(whole) > maxSeconds || bytes.ContainsAny(digits, "eE") {
		return 0, d.wrong("a time that cannot be read: %.40q", digits)
	}
	millis := 0
	for _, c := range whole {
		millis = millis*10 + int(c-'0')
	}
	for place := range 3 {
		millis *= 10
		if place < len(fraction) {
			millis += int(fraction[place] - '0')
		}
	}
	if digits[0] == '-' {
		millis = -millis
	}
	return model.Time(millis), nil
}

// float reads a number that is written as a string, as JSON knows no NaN.
func (d *decoder) float() (float64, error) {
	digits, raw, err := d.text()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || !raw {
		return 0, d.wrong("a value that is no number: %.40q", digits)
	}
	return f, nil
}

// histogram reads a time and a native histogram.
func (d *decoder) histogram() (pair model.SampleHistogramPair, err error) {
	text, err := d.capture()
	if err != nil {
		return pair, err
	}
	if err := json.Unmarshal(text, &pair); err != nil {
		return pair, d.wrong("a histogram that cannot be read: %v", err)
	}
	return pair, nil
}
