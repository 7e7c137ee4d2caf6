package eni

import (
	"testing"

	"github.com/trimtab/trimtab/internal/verdict"
)

// everyOptions calls f with all sensible combinations of options.
func everyOptions(f func(Options)) {
	both := []bool{false, true}
	for _, mode := range []Mode{SecondaryIP, Prefix} {
		for _, family := range []Family{IPv4, IPv6} {
			for _, limit := range []Cap{NoCap, RecommendedCap} {
				for _, custom := range both {
					for _, groups := range both {
						for _, n := range []int{0, 1, 2, 5, 400} {
							for _, enis := range []int{0, 1, 3} {
								f(Options{Mode: mode, Family: family, Cap: limit, CustomNetworking: custom,
									SecurityGroupsForPods: groups, HostNetworkPods: n, MaxENIs: enis, ReservedENIs: enis / 3})
							}
						}
					}
				}
			}
		}
	}
}

// What holds for every type and all options.
func TestInvariants(t *testing.T) {
	limits := map[verdict.Code]bool{}
	for _, it := range Types() {
		everyOptions(func(o Options) {
			r := Compute(it, o)
			limits[r.LimitedBy] = true
			switch {
			case r.MaxPods < 0 || r.IPPods < 0 || r.BranchPods < 0 || r.PodENIs < 0:
				t.Errorf("%s %+v: a negative count: %+v", it.Name, o, r)
			case r.IPPods > r.MaxPods || r.BranchPods > r.MaxPods:
				t.Errorf("%s %+v: more pods of one kind than pods: %+v", it.Name, o, r)
			case r.PodENIs > it.ENIs || (o.MaxENIs > 0 && r.PodENIs > o.MaxENIs):
				t.Errorf("%s %+v: %d interfaces, more than there are", it.Name, o, r.PodENIs)
			case o.Cap == RecommendedCap && r.MaxPods > largeCap:
				t.Errorf("%s %+v: %d pods, above the cap", it.Name, o, r.MaxPods)
			case o.Family == IPv4 && r.Mode == SecondaryIP && r.IPPods > r.PodENIs*(it.IPv4PerENI-1):
				t.Errorf("%s %+v: %d pods, more than addresses", it.Name, o, r.IPPods)
			case r.MaxPods == 0 && r.IPPods+r.BranchPods+r.PodENIs != 0:
				t.Errorf("%s %+v: no pods, but %+v", it.Name, o, r)
			case r.LimitedBy == "":
				t.Errorf("%s %+v: no reason given", it.Name, o)
			case (o.Validate() != nil) != (r.LimitedBy == LimitImpossibleOptions):
				t.Errorf("%s %+v: Validate and Compute disagree: %v, %s", it.Name, o, o.Validate(), r.LimitedBy)
			}
		})
	}
	for _, want := range []verdict.Code{LimitAddresses, LimitMaxENIs, LimitTakenENIs, LimitHostNetworkPods,
		LimitMaxPodsFormula, LimitRecommendedCap, LimitNoInterface, LimitIPv6Unsupported, LimitImpossibleOptions} {
		if !limits[want] {
			t.Errorf("no type is ever limited by %s", want)
		}
	}
}

// Each option that takes something away never adds a pod, whatever else is set.
func TestRestrictionsNeverAddPods(t *testing.T) {
	restrict := map[string]func(*Options){
		"custom networking": func(o *Options) { o.CustomNetworking = true },
		"reserved ENI":      func(o *Options) { o.ReservedENIs++ },
		"max ENIs":          func(o *Options) { o.MaxENIs = 1 },
		"cap":               func(o *Options) { o.Cap = RecommendedCap },
		"host-network pod":  func(o *Options) { o.HostNetworkPods++ },
	}
	for _, it := range Types() {
		everyOptions(func(o Options) {
			before := Compute(it, o)
			for name, change := range restrict {
				restricted := o
				change(&restricted)
				after := Compute(it, restricted)
				if after.MaxPods > before.MaxPods || after.IPPods > before.IPPods {
					t.Errorf("%s %+v: %s raises pods from %d (%d) to %d (%d)",
						it.Name, o, name, before.MaxPods, before.IPPods, after.MaxPods, after.IPPods)
				}
			}
		})
	}
}

// The formulas, written out once more without the code under test, for every type.
func TestFormulasForAllTypes(t *testing.T) {
	for _, it := range Types() {
		slots := it.IPv4PerENI - 1
		perSlot := 1
		if it.Hypervisor == Nitro || it.BareMetal {
			perSlot = 16
		}
		check := func(name string, change func(*Options), addresses int) {
			t.Helper()
			want := addresses + 2
			if addresses <= 0 {
				want, addresses = 0, 0
			}
			if got := Compute(it, with(change)); got.MaxPods != want || got.IPPods != addresses {
				t.Errorf("%s %s: %d pods, %d of them with an address; want %d, %d", it.Name, name, got.MaxPods, got.IPPods, want, addresses)
			}
		}
		check("default", func(*Options) {}, it.ENIs*slots)
		check("custom networking", func(o *Options) { o.CustomNetworking = true }, (it.ENIs-1)*slots)
		check("prefixes", func(o *Options) { o.Mode = Prefix }, it.ENIs*slots*perSlot)
		check("both", func(o *Options) { o.Mode, o.CustomNetworking = Prefix, true }, (it.ENIs-1)*slots*perSlot)
		check("two reserved", func(o *Options) { o.ReservedENIs = 2 }, (it.ENIs-2)*slots)
		if got := Compute(it, DefaultOptions()); got.MaxPods != it.StandardMaxPods() {
			t.Errorf("%s: %d pods without options, but StandardMaxPods is %d", it.Name, got.MaxPods, it.StandardMaxPods())
		}
	}
}

func FuzzCompute(f *testing.F) {
	f.Add(3, 10, 0, 0, 2, 0.075)
	f.Add(0, 0, -1, 1, -1, 2.0)
	f.Fuzz(func(t *testing.T, enis, ips, reserved, most, host int, overhead float64) {
		enis, ips = enis%1000, ips%1000
		it := Type{ENIs: enis, IPv4PerENI: ips, Hypervisor: Nitro, VCPUs: 8, MemoryMiB: 1 << 14, Arch: ARM64}
		o := Options{ReservedENIs: reserved, MaxENIs: most, HostNetworkPods: host, VMMemoryOverhead: overhead}
		r := Compute(it, o)
		if r.MaxPods < 0 || r.IPPods < 0 || r.IPPods > r.MaxPods || r.Allocatable.MemoryMiB < 0 {
			t.Errorf("Compute(%+v, %+v) = %+v", it, o, r)
		}
		if (o.Validate() == nil) == (r.LimitedBy == LimitImpossibleOptions) {
			t.Errorf("%+v: Validate says %v, Compute %s", o, o.Validate(), r.LimitedBy)
		}
	})
}
