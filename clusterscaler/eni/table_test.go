package eni

import (
	"slices"
	"strings"
	"testing"
)

func TestTableIsWellFormed(t *testing.T) {
	if len(table)%lineWidth != 0 {
		t.Fatalf("the table has %d bytes, no multiple of the line width %d", len(table), lineWidth)
	}
	types := Types()
	if len(types) != strings.Count(table, "\n") || len(types) < 1391 {
		t.Fatalf("%d types in %d lines, want one a line and at least 1391", len(types), strings.Count(table, "\n"))
	}
	if !slices.IsSortedFunc(types, func(a, b Type) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the types are not sorted by name")
	}
	for _, it := range types {
		if it.ENIs < 1 || it.IPv4PerENI < 2 || it.NetworkCards < 1 {
			t.Errorf("%s: limits that no type has: %+v", it.Name, it)
		}
		if (it.VCPUs > 0) != (it.MemoryMiB > 0) || (it.VCPUs > 0) != (it.Arch != "") {
			t.Errorf("%s: sized in part: %+v", it.Name, it)
		}
		if (it.Trunking == TrunkingSupported) != (it.BranchENIs > 0) {
			t.Errorf("%s: trunking %d with %d branch interfaces", it.Name, it.Trunking, it.BranchENIs)
		}
		if it.BareMetal != strings.Contains(it.Name, ".metal") {
			t.Errorf("%s: bare metal %t, against its name", it.Name, it.BareMetal)
		}
		if found, ok := Lookup(it.Name); !ok || found != it {
			t.Errorf("Lookup(%q) = %+v, %t; want %+v", it.Name, found, ok, it)
		}
	}
}

// Whole entries, against the facts that are published for these types.
func TestLookup(t *testing.T) {
	for _, want := range []Type{
		{Name: "m5.large", ENIs: 3, IPv4PerENI: 10, NetworkCards: 1, Trunking: TrunkingSupported, BranchENIs: 9,
			Hypervisor: Nitro, VCPUs: 2, MemoryMiB: 8192, Arch: AMD64},
		{Name: "c4.large", ENIs: 3, IPv4PerENI: 10, NetworkCards: 1, Trunking: TrunkingUnsupported,
			Hypervisor: Xen, VCPUs: 2, MemoryMiB: 3840, Arch: AMD64},
		{Name: "a1.metal", ENIs: 8, IPv4PerENI: 30, NetworkCards: 1, Trunking: TrunkingSupported, BranchENIs: 54,
			BareMetal: true, VCPUs: 16, MemoryMiB: 32768, Arch: ARM64},
		{Name: "p5.48xlarge", ENIs: 2, IPv4PerENI: 50, NetworkCards: 32, Trunking: TrunkingSupported, BranchENIs: 120,
			Hypervisor: Nitro, VCPUs: 192, MemoryMiB: 2097152, Arch: AMD64},
		{Name: "trn2.3xlarge", ENIs: 2, IPv4PerENI: 15, NetworkCards: 1, Hypervisor: Nitro},
	} {
		if got, ok := Lookup(want.Name); !ok || got != want {
			t.Errorf("Lookup(%q) =\n%+v, %t; want\n%+v", want.Name, got, ok, want)
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, name := range []string{"", " ", "m5", "m5.large ", "M5.large", "m5.larg", "a", "~", "zzz.large", strings.Repeat("x", 1000)} {
		if got, ok := Lookup(name); ok || got != (Type{}) {
			t.Errorf("Lookup(%q) = %+v, %t; want nothing", name, got, ok)
		}
	}
}

// How many types take prefixes was counted from the CNI's own list: all but 82.
func TestPrefixSupport(t *testing.T) {
	var without []string
	for _, it := range Types() {
		if !it.SupportsPrefixes() {
			without = append(without, it.Name)
		}
	}
	if len(without) != 82 || !slices.Contains(without, "c4.large") || !slices.Contains(without, "cr1.8xlarge") {
		t.Errorf("%d types without prefixes, want 82: %v", len(without), without)
	}
}

func TestNearest(t *testing.T) {
	for _, test := range []struct {
		name string
		n    int
		want string
	}{
		{"m5.larg", 1, "m5.large"},
		{"M5.Large", 1, "m5.large"},
		{" m5large ", 1, "m5.large"},
		{"c4.lrage", 1, "c4.large"},
		{"m5.larg", 3, "m5.large m5.xlarge m5a.large"}, // of the equally near ones, those of its family
		{"m5.large", 2, "m5.large m5.xlarge"},
		{"p5.48xlarg", 1, "p5.48xlarge"},
	} {
		if got := Nearest(test.name, test.n); strings.Join(got, " ") != test.want {
			t.Errorf("Nearest(%q, %d) = %v, want %s", test.name, test.n, got, test.want)
		}
	}
	for n, want := range map[int]int{-1: 0, 0: 0, 5: 5, 1 << 20: len(Types())} {
		if got := Nearest(strings.Repeat("long", 1000), n); len(got) != want {
			t.Errorf("Nearest(…, %d) has %d names, want %d", n, len(got), want)
		}
	}
}
