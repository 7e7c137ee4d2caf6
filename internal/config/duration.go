package config

import (
	"fmt"
	"time"

	"github.com/trimtab/trimtab/internal/text"
)

// Duration is a duration in the notation of the replaced programs' flags: 10m, 1h30m, 500ms.
type Duration time.Duration

// longest is the longest Duration. Twice as long, or added to the present, it still fits into the library's types.
const longest = 1_000_000 * time.Hour

// UnmarshalText parses s. It refuses a number without a unit.
func (d *Duration) UnmarshalText(s []byte) error {
	parsed, err := time.ParseDuration(string(s))
	if err != nil {
		return fmt.Errorf("%s is not a duration; write a number with its unit, as in 30s, 10m or 1h30m", text.Quote(string(s)))
	}
	if parsed < 0 {
		return fmt.Errorf("%s is negative", text.Quote(string(s)))
	}
	if parsed > longest {
		return fmt.Errorf("%s is more than 1000000h", text.Quote(string(s)))
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText is the reverse of UnmarshalText.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Std is the same span as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// ConfigKind names the type in error messages.
func (d *Duration) ConfigKind() string { return "a duration such as 30s or 10m" }
