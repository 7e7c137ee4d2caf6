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
	// keptBuffer is the largest buffer that a decoder keeps.
	keptBuffer = 1 << 20
	// maxShared bounds the strings that a decoder keeps for later answers.
	maxShared, maxSharedBytes = 1 << 12, 100
	// maxSeconds bounds the digits of a time.
	maxSeconds = 12
	// maxLabels bounds the labels of one series. In memory each needs four times the bytes that a hostile server sends.
	maxLabels = 1 << 12
)

var (
	// errSeveralRows is the error of an answer with more rows than the query allows.
	errSeveralRows = errors.New("it gives several series, where one number is needed; aggregate them, as in sum(...)")
	// errNoVector is the error of a result that is neither a vector nor a scalar, where one of them is needed.
	errNoVector = errors.New("where an instant vector or a scalar is needed")
)

// decoder reads the API's answers. An ambiguous text is an error, such as a duplicate key or a sample without a value.
type decoder struct {
	scanner
	// labels is memory for the labels of the next rows.
	labels []Label
	// shared are strings that were read recently, each at the place of its hash.
	shared []string
	seed   maphash.Seed
	// maxRows bounds the rows of a vector; 0 is no limit. onlyVector refuses a result that is neither a vector nor a
	// scalar. Both depend on the query.
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

// share is b as a string. If possible it returns a string that it returned before.
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

// keys records the keys of an object.
type keys struct {
	known []string
	seen  uint
}

// which returns the key if it is known, and "" if not. A duplicate key, or a known key in the wrong case, is an error:
// encoding/json would accept it as the known key.
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

// time reads seconds since 1970. Digits after the milliseconds are cut off.
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

// float reads a number that is written as a string, since JSON has no NaN.
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
