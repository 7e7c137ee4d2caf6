package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/plan"
)

// written is the file of a record.
func written(t *testing.T, r *Record) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAgain(t *testing.T, file []byte) *Record {
	t.Helper()
	r, err := Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// On random clusters the plan that is decided from the file is the plan that was made, to the last fact, loop after loop,
// and so is the memory of the next loop. Under other names the same is decided: one of three is asked.
func TestReplayedPlansAreThosePlans(t *testing.T) {
	t.Parallel()
	for part := range uint64(4) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			replays(t, rand.New(rand.NewPCG(3, part)), 250)
		})
	}
}

func replays(t *testing.T, r *rand.Rand, clusters int) {
	grown, removed, remembered, asked, outlived := 0, 0, 0, 0, 0
	for i := range clusters {
		w := newWorld(r)
		for turn := range 3 {
			kept, made, next := w.loop()
			file := written(t, kept)
			again := readAgain(t, file)
			p, memory := again.Decide()
			made.Next, p.Next = made.Next.UTC(), p.Next.UTC() // one that an object has is read in the local zone
			if !reflect.DeepEqual(made, p) {
				t.Fatalf("cluster %d, turn %d: %v\nmade\n%v\nreplayed\n%v", i, turn, kept.Outcome.Differences(OutcomeOf(p)), made.Verdicts(), p.Verdicts())
			}
			if !reflect.DeepEqual(plainMemory(next), plainMemory(memory)) {
				t.Fatalf("cluster %d, turn %d: the memory of the next loop is\n%+v\nreplayed\n%+v", i, turn, plainMemory(next), plainMemory(memory))
			}
			if different := kept.Outcome.Differences(again.Outcome); len(different) > 0 {
				t.Fatalf("cluster %d, turn %d: the outcome is read as another: %q", i, turn, different)
			}
			grown, removed, remembered = grown+len(made.ScaleUp), removed+len(made.ScaleDown), remembered+len(kept.Memory.Planned)
			asked, outlived = asked+len(kept.Memory.Answers), outlived+len(kept.Seen.Examples)
			w.turn(made)
			if i%3 > 0 {
				continue
			}
			if second := written(t, again); !bytes.Equal(file, second) {
				t.Fatalf("cluster %d, turn %d: a record that was read is written as another:\n%s", i, turn, firstDifference(file, second))
			}
			uids := uidsOf(again)
			Anonymize(again)
			if kept := ownWords(written(t, again), uids); len(kept) > 0 {
				t.Fatalf("cluster %d, turn %d: anonymized it has %q", i, turn, kept)
			}
			p, _ = again.Decide()
			if different := again.Outcome.Differences(OutcomeOf(p)); len(different) > 0 {
				t.Fatalf("cluster %d, turn %d: anonymized it decides differently:\n%s", i, turn, strings.Join(different, "\n"))
			}
		}
	}
	t.Logf("%d groups grew, %d nodes went, %d placements, %d answers and %d examples were remembered", grown, removed, remembered, asked, outlived)
	if grown < 80 || removed < 80 || remembered < 300 || asked < 5 || outlived < 20 {
		t.Error("that tests hardly anything")
	}
}

func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return "one is longer"
}

// plainMemory is the memory as text: two times may be one in two places.
func plainMemory(m plan.Memory) string {
	raw, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// uidsOf are the UIDs of nodes, pods and claims.
func uidsOf(r *Record) []string {
	var out []string
	for _, n := range r.Seen.Nodes {
		out = append(out, string(n.UID))
	}
	for _, p := range r.Seen.Pods {
		out = append(out, string(p.UID))
	}
	if r.Seen.Storage != nil {
		for _, c := range r.Seen.Storage.Claims {
			out = append(out, string(c.UID))
		}
	}
	return out
}

// ownWords are those of the UIDs and of the random clusters' own keys that are in the file.
func ownWords(file []byte, uids []string) []string {
	var out []string
	for _, word := range slices.Concat(uids, []string{"zone", "rack", "cores", "team", "app", "dedicated", "spot"}) {
		if bytes.Contains(file, []byte(`"`+word+`"`)) {
			out = append(out, word)
		}
	}
	if at := bytes.Index(file, []byte("acme")); at >= 0 {
		out = append(out, string(file[max(0, at-40):min(len(file), at+40)]))
	}
	return out
}
