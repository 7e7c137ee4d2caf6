package text

import (
	"slices"
	"strings"
	"testing"
)

// Secrets and texts may both be a tenant's, as long as they may be, and made to fit each other. Where each place of the one is
// looked for at each place of the other, this takes a minute; BenchmarkHide measures it.
func TestHostileSecretsAreHidden(t *testing.T) {
	var s Secrets
	s.Add(strings.Repeat("a", 64<<10), strings.Repeat("ab", 32<<10))
	texts := slices.Repeat([]string{strings.Repeat("a", 1<<10)}, 100)
	for _, hidden := range append(s.HideEach(texts), s.Hide(strings.Repeat("a", 16<<10))) {
		if hidden != "(secret)" {
			t.Fatalf("it stays: %.100q", hidden)
		}
	}
}

// Texts that are looked at together stay apart.
func TestHideEachIsHideForEach(t *testing.T) {
	var s Secrets
	s.Add("password-of-web", "x\x00y-and-more")
	texts := []string{"", "no more", "it is password-of-web", "passwo", "rd-of-web", strings.Repeat("b", looked+5), "x\x00y-and", ""}
	for i, got := range s.HideEach(texts) {
		if want := s.Hide(texts[i]); got != want {
			t.Errorf("%.50q is %.50q among others, %.50q alone", texts[i], got, want)
		}
	}
}
