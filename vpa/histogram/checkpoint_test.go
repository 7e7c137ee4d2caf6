package histogram

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"
)

func mustFloat(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCheckpointRoundsToTenThousandths(t *testing.T) {
	h := New(CPU(), 24*time.Hour)
	midnight := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	h.Add(5, 1, midnight)
	h.Add(100, 3, midnight)
	h.Add(900, 0.00012, midnight) // rounds to nothing beside 3
	want := Checkpoint{Reference: midnight, Weights: map[int]uint32{0: 3333, 8: 10000}, Total: 4.00012}
	got := h.Save()
	if math.Abs(got.Total-want.Total) > 1e-12 {
		t.Errorf("total %v, want %v", got.Total, want.Total)
	}
	got.Total = want.Total
	if !reflect.DeepEqual(got, want) {
		t.Errorf("checkpoint %+v, want %+v", got, want)
	}
}

func TestLoadRestoresWhatSaveWrote(t *testing.T) {
	scheme := Memory()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		h := New(scheme, 24*time.Hour)
		for i := range 100 {
			h.Add(random.Int64N(1e11), 1, epoch.Add(time.Duration(i)*time.Hour))
		}
		saved := h.Save()
		loaded, err := Load(saved, scheme, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if again := loaded.Save(); !reflect.DeepEqual(again, saved) {
			t.Fatalf("seed %d: saved %+v, after loading %+v", seed, saved, again)
		}
		if got, want := loaded.Percentile(0.9), h.Percentile(0.9); math.Abs(got/want-1) > 0.06 {
			t.Errorf("seed %d: the 90th percentile was %v, is %v", seed, want, got)
		}
	}
}

func TestLoadOfAnEmptyCheckpointIsEmpty(t *testing.T) {
	empty := New(CPU(), time.Hour).Save()
	h, err := Load(empty, CPU(), time.Hour)
	if err != nil || !h.Empty() || h.Total() != 0 {
		t.Errorf("an empty checkpoint loads as %+v, %v", h, err)
	}
}

// A light bucket at the end that rounding took below epsilon must not make the histogram look empty.
func TestLoadDropsEndsThatNoLongerCount(t *testing.T) {
	h, err := Load(Checkpoint{Weights: map[int]uint32{0: 1, 9: 10000}, Total: 0.5}, CPU(), time.Hour)
	if err != nil || h.Empty() || h.Percentile(0) < 0.1 {
		t.Errorf("loaded %+v, %v", h, err)
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	for name, c := range map[string]Checkpoint{
		"damaged histogram checkpoint: totalWeight is -1":                                  {Total: -1},
		"damaged histogram checkpoint: totalWeight is NaN":                                 {Total: math.NaN()},
		"damaged histogram checkpoint: bucketWeights has bucket 176; buckets are 0 to 175": {Total: 1, Weights: map[int]uint32{176: 1}},
		"damaged histogram checkpoint: bucketWeights has bucket -1; buckets are 0 to 175":  {Total: 1, Weights: map[int]uint32{-1: 1}},
	} {
		if _, err := Load(c, CPU(), time.Hour); !errors.Is(err, ErrDamaged) || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}
