package verdict

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestVerdictReadsAsOneLine(t *testing.T) {
	for _, c := range []struct {
		verdict    Verdict
		line, json string
	}{
		{
			Because(On("pod", "a/b"), "InsufficientCPU", Milli("need", 3200), Milli("free", 2900), Text("group", "g1")),
			"pod a/b: InsufficientCPU: need 3200m, free 2900m, group g1",
			`{"subject":"pod a/b","code":"InsufficientCPU","facts":{"need_milli":3200,"free_milli":2900,"group":"g1"}}`,
		},
		{
			Because(On("node", "n"), "Unneeded", Ratio("utilization", 0.4216), Duration("for", 90*time.Second)),
			"node n: Unneeded: utilization 42.2%, for 1m30s",
			`{"subject":"node n","code":"Unneeded","facts":{"utilization_ratio":0.4216,"for_seconds":90}}`,
		},
		{
			Because(On("", ""), "Held", Number("value", math.NaN()), Bytes("free", 512<<20)),
			"Held: value NaN, free 512Mi",
			`{"subject":"","code":"Held","facts":{"value":"NaN","free_bytes":536870912}}`,
		},
		{Because(On("x", ""), "Plain"), "x: Plain", `{"subject":"x","code":"Plain"}`},
	} {
		if got := c.verdict.String(); got != c.line {
			t.Errorf("String() = %q, want %q", got, c.line)
		}
		raw, err := json.Marshal(c.verdict)
		if err != nil || string(raw) != c.json {
			t.Errorf("Marshal = %s, %v, want %s", raw, err, c.json)
		}
	}
}

func TestBytesPrintTwoDigits(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1023: "1023", 10240: "10Ki", 9 << 20: "9216Ki", 16 << 30: "16Gi", 1<<30 + 512<<20: "1536Mi"} {
		if got := Bytes("x", n).Value(); got != want {
			t.Errorf("%d bytes print as %q, want %q", n, got, want)
		}
	}
}

func TestTextsAndNamesAreShortLines(t *testing.T) {
	flood := strings.Repeat("ä\n", 2<<20)
	v := Because(On("scaledobject", flood).Part("trigger", flood), "Failed", Text("error", flood))
	for name, got := range map[string]string{"fact": v.Facts[0].Value(), "name": v.Subject.Name, "owner": v.Subject.Of} {
		if len(got) > 1024 || len(got) < 1000 || !utf8.ValidString(got) || strings.Contains(got, "\n") || !strings.Contains(got, "cut") {
			t.Errorf("%s: %d bytes, %q", name, len(got), got)
		}
	}
}
