package trigger

import (
	"strings"
	"testing"
	"time"

	"github.com/trimtab/trimtab/scalers/param"
)

// A source that panics on what a user wrote or a server sent ends one reading, not the process and, after it, each new
// leader. The error says where, and shows no secret.
func TestASourceThatPanicsStopsItsTriggerAlone(t *testing.T) {
	t.Parallel()
	var password string
	panics := func(at string) *played {
		return &played{
			table: param.Table{{Name: "password", To: &password, Secret: true}},
			check: func(*param.Parsed) {
				if at == "check" {
					panic("no " + password)
				}
			},
			read: func(Definition) (Sample, error) { panic("no " + password) },
		}
	}
	d := Definition{Type: "x", Metadata: map[string]string{"password": "geheim-1"}}
	_, refused := Check(d, panics("check"))
	checked, err := Check(d, panics("read"))
	if err != nil {
		t.Fatal(err)
	}
	_, unread := checked.Open().Read(t.Context(), time.Time{})
	for _, err := range []error{refused, unread} {
		if err == nil || !strings.Contains(err.Error(), "a fault of trimtab: panic: no (secret), at ") || !strings.Contains(err.Error(), "panic_test.go:") {
			t.Errorf("got %v", err)
		}
	}
}
