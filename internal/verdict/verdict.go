package verdict

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Code names an outcome. Each part declares its codes as constants of this type, in CamelCase, as the
// reason of a Kubernetes Event is written, and documents them in one list of CodeDoc.
type Code string

// Severity is the level at which a verdict is logged.
type Severity uint8

const (
	// Info is an outcome of normal work, including refusals with a reason.
	Info Severity = iota
	// Warning is a failure: something could not be read or written, or the user's input cannot be used as it is.
	Warning
)

// String is the level in the log.
func (s Severity) String() string {
	if s == Warning {
		return "WARN"
	}
	return "INFO"
}

// CodeDoc describes one code of a part for people: its row in docs/reference-codes.md.
type CodeDoc struct {
	Code     Code
	Severity Severity
	// Meaning is one sentence, without a full stop. Messages have it before the facts.
	Meaning string
}

// Verdict is a decision about one subject. A refusal is a verdict too.
type Verdict struct {
	// Subject is what the decision is about. JSON has its String.
	Subject Subject `json:"subject"`
	Code    Code    `json:"code"`
	// Facts are the numbers and names that led to the code, most important first.
	Facts Facts `json:"facts,omitempty"`
}

// Because builds a verdict; it reads as a sentence at the call:
//
//	verdict.Because(verdict.On("pod", "default/web-1"), InsufficientCPU, verdict.Milli("need", 3200), verdict.Milli("free", 2900))
func Because(subject Subject, code Code, facts ...Fact) Verdict {
	return Verdict{Subject: subject, Code: code, Facts: facts}
}

// Message is the code and its facts for people, without the subject: "InsufficientCPU: need 3200m, free 2900m".
func (v Verdict) Message() string {
	if len(v.Facts) == 0 {
		return string(v.Code)
	}
	return string(v.Code) + ": " + v.Facts.String()
}

// String is the whole verdict on one line: "pod default/web-1: InsufficientCPU: need 3200m, free 2900m".
func (v Verdict) String() string {
	if v.Subject == (Subject{}) {
		return v.Message()
	}
	return v.Subject.String() + ": " + v.Message()
}

// Facts are kept and printed in the order given.
type Facts []Fact

// String joins the facts with commas: "need 3200m, free 2900m".
func (fs Facts) String() string {
	var b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.String())
	}
	return b.String()
}

// MarshalJSON writes an object, in the order of the facts. Numbers stay numbers in the base unit, which is a suffix of
// the fact's name: need_milli, free_bytes, waited_seconds.
func (fs Facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fs {
		if i > 0 {
			b.WriteByte(',')
		}
		key, value := f.jsonPair()
		for j, part := range []any{key, value} {
			if j > 0 {
				b.WriteByte(':')
			}
			raw, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(raw)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Lookup returns the fact of that name.
func (fs Facts) Lookup(name string) (Fact, bool) {
	for _, f := range fs {
		if f.Name == name {
			return f, true
		}
	}
	return Fact{}, false
}
