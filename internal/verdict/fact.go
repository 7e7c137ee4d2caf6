package verdict

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// unit is the unit of a fact's number, which decides how it is printed.
type unit uint8

const (
	words unit = iota
	count
	milli
	bytesUnit
	seconds
	ratio
)

// Fact is one number or name that led to a verdict. Make it with the functions below.
type Fact struct {
	Name   string
	unit   unit
	number float64
	text   string
}

// Text is a fact that is no number: a group's name, a label, an error. It is stored as a text.Line.
func Text(name, value string) Fact { return Fact{Name: name, unit: words, text: text.Line(value)} }

// Number is a plain number without a unit: replicas, pods, a metric's value.
func Number[T ~int | ~int32 | ~int64 | ~float64](name string, n T) Fact {
	return Fact{Name: name, unit: count, number: float64(n)}
}

// Milli is a quantity in thousandths, as CPU is counted; 3200 prints as 3200m.
func Milli(name string, n int64) Fact { return Fact{Name: name, unit: milli, number: float64(n)} }

// Bytes is an amount of memory; it prints in the largest binary unit that keeps two digits.
func Bytes(name string, n int64) Fact { return Fact{Name: name, unit: bytesUnit, number: float64(n)} }

// Duration is a duration; it prints as 1m30s.
func Duration(name string, d time.Duration) Fact {
	return Fact{Name: name, unit: seconds, number: d.Seconds()}
}

// Ratio is a share of one; 0.42 prints as 42%.
func Ratio(name string, r float64) Fact { return Fact{Name: name, unit: ratio, number: r} }

// Value is the fact's value for people, with its unit.
func (f Fact) Value() string {
	switch f.unit {
	case words:
		return f.text
	case milli:
		return strconv.FormatInt(int64(f.number), 10) + "m"
	case bytesUnit:
		return formatBytes(f.number)
	case seconds:
		return formatSeconds(f.number)
	case ratio:
		return strconv.FormatFloat(math.Round(f.number*1000)/10, 'f', -1, 64) + "%"
	default:
		return strconv.FormatFloat(f.number, 'f', -1, 64)
	}
}

// TextLen is the length of a Text, and 0 for other facts.
func (f Fact) TextLen() int { return len(f.text) }

// String is the name and the value: "need 3200m".
func (f Fact) String() string { return f.Name + " " + f.Value() }

// jsonPair puts the unit into the key, so that the value can stay a number.
func (f Fact) jsonPair() (string, any) {
	key := strings.ReplaceAll(f.Name, " ", "_")
	switch f.unit {
	case words:
		return key, f.text
	case milli:
		key += "_milli"
	case bytesUnit:
		key += "_bytes"
	case seconds:
		key += "_seconds"
	case ratio:
		key += "_ratio"
	}
	if math.IsNaN(f.number) || math.IsInf(f.number, 0) {
		return key, f.Value() // JSON has no such numbers
	}
	return key, f.number
}

func formatBytes(n float64) string {
	units := []string{"", "Ki", "Mi", "Gi", "Ti", "Pi"}
	i := 0
	for math.Abs(n) >= 10*1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + units[i]
}

func formatSeconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}
