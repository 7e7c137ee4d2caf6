package rules

import "fmt"

// OnNaN says what to do with a sample that no quantity can hold: NaN, an infinity, or a number out of range. It reads
// and writes itself as text.
type OnNaN uint8

const (
	// Drop leaves the sample out: the object has no value.
	Drop OnNaN = iota
	// Zero changes the sample to 0.
	Zero
	// Fail answers the whole request with an error, so that the HPA does not scale on the other objects alone.
	Fail
)

// String is the word that UnmarshalText reads.
func (o OnNaN) String() string {
	switch o {
	case Zero:
		return "zero"
	case Fail:
		return "error"
	default:
		return "drop"
	}
}

// MarshalText is String.
func (o OnNaN) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText accepts "drop", "zero" and "error".
func (o *OnNaN) UnmarshalText(text []byte) error {
	switch string(text) {
	case "drop":
		*o = Drop
	case "zero":
		*o = Zero
	case "error":
		*o = Fail
	default:
		return fmt.Errorf("%.80q is none of drop, zero, error", text)
	}
	return nil
}

// Merge says whether one common query may answer several requests for a metric. It reads and writes itself as text.
type Merge uint8

const (
	// MergeAuto merges where that is proved to give the same answers.
	MergeAuto Merge = iota
	// MergeNever sends each request's own query as the rule is written.
	MergeNever
)

// String is the word that UnmarshalText reads.
func (m Merge) String() string {
	if m == MergeNever {
		return "never"
	}
	return "auto"
}

// MarshalText is String.
func (m Merge) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts "auto" and "never".
func (m *Merge) UnmarshalText(text []byte) error {
	switch string(text) {
	case "auto":
		*m = MergeAuto
	case "never":
		*m = MergeNever
	default:
		return fmt.Errorf("%.80q is neither auto nor never", text)
	}
	return nil
}
