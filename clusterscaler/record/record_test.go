package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
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
			Anonymize(again)
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
