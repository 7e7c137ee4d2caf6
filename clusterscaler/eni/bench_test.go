package eni

import "testing"

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Lookup("m5.24xlarge"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkLookupAndCompute(b *testing.B) {
	b.ReportAllocs()
	o := DefaultOptions()
	for b.Loop() {
		it, _ := Lookup("m5.24xlarge")
		if Compute(it, o).MaxPods != 737 {
			b.Fatal("wrong")
		}
	}
}

func BenchmarkComputeAllTypes(b *testing.B) {
	b.ReportAllocs()
	types, o := Types(), DefaultOptions()
	for b.Loop() {
		for _, it := range types {
			if Compute(it, o).MaxPods == 0 {
				b.Fatal("wrong")
			}
		}
	}
}

func TestLookupAndComputeAllocateNothing(t *testing.T) {
	o := DefaultOptions()
	allocations := testing.AllocsPerRun(100, func() {
		it, _ := Lookup("m5.24xlarge")
		Compute(it, o)
	})
	if allocations != 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}
