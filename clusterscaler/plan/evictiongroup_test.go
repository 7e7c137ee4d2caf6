package plan

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseEvictionGroups(t *testing.T) {
	for _, c := range []struct{ in, want, fails string }{
		{"", "[]", ""},
		{"0:60", "[{0 1m0s}]", ""},
		{"10000:20, 1000:100,-5:0", "[{-5 0s} {1000 1m40s} {10000 20s}]", ""},
		{"10", "", `"10" is not PRIORITY:SECONDS`},
		{"1:2,", "", `"" is not PRIORITY:SECONDS`},
		{"1:-2", "", `"1:-2" is not PRIORITY:SECONDS`},
		{"high:2", "", `"high:2" is not PRIORITY:SECONDS`},
		{"3000000000:2", "", `"3000000000:2" is not PRIORITY:SECONDS`},
		{"1:2,0:5,1:3", "", "the priority 1 is there twice"},
	} {
		got, err := ParseEvictionGroups(c.in)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q: %v, want %q", c.in, err, c.fails)
			}
			continue
		}
		if s := fmt.Sprint(got); err != nil || s != c.want {
			t.Errorf("%q: %s %v, want %s", c.in, s, err, c.want)
		}
	}
}
