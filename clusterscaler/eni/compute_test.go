package eni

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func mustLookup(t testing.TB, name string) Type {
	t.Helper()
	found, ok := Lookup(name)
	if !ok {
		t.Fatalf("type %q is not in the table", name)
	}
	return found
}

// with is the default options after a change.
func with(change func(*Options)) Options {
	o := DefaultOptions()
	change(&o)
	return o
}

// parseOptions reads the second column of testdata/pods.txt.
func parseOptions(t *testing.T, text string) Options {
	t.Helper()
	o := DefaultOptions()
	for word := range strings.SplitSeq(text, ",") {
		name, value, hasValue := strings.Cut(word, "=")
		n, err := strconv.Atoi(value)
		if hasValue != (err == nil) {
			t.Fatalf("option %q: not a number", word)
		}
		switch name {
		case "-":
		case "custom":
			o.CustomNetworking = true
		case "prefix":
			o.Mode = Prefix
		case "recommended":
			o.Cap = RecommendedCap
		case "groups":
			o.SecurityGroupsForPods = true
		case "ipv6":
			o.Family = IPv6
		case "host":
			o.HostNetworkPods = n
		case "max-enis":
			o.MaxENIs = n
		case "reserved":
			o.ReservedENIs = n
		default:
			t.Fatalf("unknown option %q", word)
		}
	}
	return o
}

func TestCompute(t *testing.T) {
	const path = "testdata/pods.txt"
	scenarios, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	number, checked := 0, 0
	for line := range strings.Lines(string(scenarios)) {
		number++
		columns := strings.Fields(line)
		if len(columns) == 0 || columns[0] == "#" {
			continue
		}
		checked++
		r := Compute(mustLookup(t, columns[0]), parseOptions(t, columns[1]))
		got := fmt.Sprint(r.MaxPods, r.IPPods, r.BranchPods, r.PodENIs, " ", r.Mode, " ", r.LimitedBy)
		for _, note := range r.Notes {
			got += " " + string(note)
		}
		if want := strings.Join(columns[2:], " "); got != want {
			t.Errorf("%s:%d: %s with %s gives\n%s, want\n%s", path, number, columns[0], columns[1], got, want)
		}
	}
	if checked == 0 {
		t.Fatalf("%s has no scenario", path)
	}
}

func TestComputeOfTypeWithoutAddressesForPods(t *testing.T) {
	for _, empty := range []Type{{}, {ENIs: 4}, {ENIs: 4, IPv4PerENI: 1}, {ENIs: -1, IPv4PerENI: -1}} {
		if got := Compute(empty, DefaultOptions()); got.MaxPods != 0 || got.LimitedBy != LimitNoInterface {
			t.Errorf("Compute(%+v) = %d pods, limited by %s; want none for want of an interface", empty, got.MaxPods, got.LimitedBy)
		}
	}
}
