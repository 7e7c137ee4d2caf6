package eni

import (
	"slices"
	"testing"

	"github.com/trimtab/trimtab/internal/verdict"
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

// The figures are those that AWS, Karpenter and the CNI's users publish, or follow from the CNI's rules
// for one type by hand.
func TestCompute(t *testing.T) {
	plain := func(*Options) {}
	custom := func(o *Options) { o.CustomNetworking = true }
	prefix := func(o *Options) { o.Mode = Prefix }
	prefixCustom := func(o *Options) { prefix(o); custom(o) }
	recommended := func(o *Options) { o.Cap = RecommendedCap }
	groups := func(o *Options) { o.SecurityGroupsForPods = true }
	ipv6 := func(o *Options) { o.Family = IPv6 }
	host := func(n int) func(*Options) { return func(o *Options) { o.HostNetworkPods = n } }

	tests := []struct {
		name, instance    string
		change            func(*Options)
		max, ips, branch  int
		limit             verdict.Code
		notes             []verdict.Code
		mode              Mode
		interfacesForPods int
	}{
		{"default", "c4.large", plain, 29, 27, 0, LimitAddresses, nil, SecondaryIP, 3},
		{"default", "t3.medium", plain, 17, 15, 0, LimitAddresses, nil, SecondaryIP, 3},
		{"default", "t3.nano", plain, 4, 2, 0, LimitAddresses, nil, SecondaryIP, 2},
		{"default", "m5.large", plain, 29, 27, 0, LimitAddresses, nil, SecondaryIP, 3},
		{"default", "m5.4xlarge", plain, 234, 232, 0, LimitAddresses, nil, SecondaryIP, 8},
		{"default", "m5.24xlarge", plain, 737, 735, 0, LimitAddresses, nil, SecondaryIP, 15},
		{"only the default card counts", "p5.48xlarge", plain, 100, 98, 0, LimitAddresses, nil, SecondaryIP, 2},
		{"only the default card counts", "p4d.24xlarge", plain, 737, 735, 0, LimitAddresses, nil, SecondaryIP, 15},

		{"custom networking", "m5.large", custom, 20, 18, 0, LimitTakenENIs, nil, SecondaryIP, 2},
		{"custom networking", "c5.large", custom, 20, 18, 0, LimitTakenENIs, nil, SecondaryIP, 2},
		{"custom networking", "c5.xlarge", custom, 44, 42, 0, LimitTakenENIs, nil, SecondaryIP, 3},
		{"custom networking", "m5.24xlarge", custom, 688, 686, 0, LimitTakenENIs, nil, SecondaryIP, 14},

		{"prefixes", "m5.large", prefix, 434, 432, 0, LimitAddresses, nil, Prefix, 3},
		{"prefixes", "t3.medium", prefix, 242, 240, 0, LimitAddresses, nil, Prefix, 3},
		{"prefixes on bare metal", "c5.metal", prefix, 11762, 11760, 0, LimitAddresses, nil, Prefix, 15},
		{"prefixes and custom networking", "m5.large", prefixCustom, 290, 288, 0, LimitTakenENIs, nil, Prefix, 2},
		{"no prefixes on Xen", "c4.large", prefix, 29, 27, 0, LimitAddresses,
			[]verdict.Code{NotePrefixesUnsupported}, SecondaryIP, 3},

		{"cap of a small type", "m5.large", func(o *Options) { prefix(o); recommended(o) },
			110, 108, 0, LimitRecommendedCap, nil, Prefix, 3},
		{"cap without prefixes", "m5a.4xlarge", recommended, 110, 108, 0, LimitRecommendedCap, nil, SecondaryIP, 8},
		{"cap of a large type", "m5.24xlarge", recommended, 250, 248, 0, LimitRecommendedCap, nil, SecondaryIP, 15},
		{"cap above the formula", "m5.large", recommended, 29, 27, 0, LimitAddresses, nil, SecondaryIP, 3},
		{"cap and many host-network pods", "m5.24xlarge", func(o *Options) { recommended(o); host(12)(o) },
			250, 238, 0, LimitRecommendedCap, nil, SecondaryIP, 15},
		{"cap, size unknown", "c8g-flex.16xlarge", recommended, 110, 108, 0, LimitRecommendedCap,
			[]verdict.Code{NoteVCPUsUnknown}, SecondaryIP, 15},

		{"five host-network pods waste three addresses", "c4.large", host(5), 29, 24, 0, LimitHostNetworkPods, nil, SecondaryIP, 3},
		{"one host-network pod leaves one pod without address", "c4.large", host(1), 29, 27, 0, LimitAddresses,
			[]verdict.Code{NotePodsWithoutAddress}, SecondaryIP, 3},
		{"more host-network pods than room", "t3.nano", host(9), 4, 0, 0, LimitHostNetworkPods, nil, SecondaryIP, 2},

		{"fewer interfaces allowed", "m5.large", func(o *Options) { o.MaxENIs = 2 }, 20, 18, 0, LimitMaxENIs, nil, SecondaryIP, 2},
		{"more interfaces allowed than there are", "m5.large", func(o *Options) { o.MaxENIs = 9 },
			29, 27, 0, LimitAddresses, nil, SecondaryIP, 3},
		{"reserved interface", "m5.large", func(o *Options) { o.ReservedENIs = 1 }, 20, 18, 0, LimitTakenENIs, nil, SecondaryIP, 2},
		{"all interfaces reserved", "m5.large", func(o *Options) { o.ReservedENIs = 3 }, 0, 0, 0, LimitNoInterface, nil, SecondaryIP, 0},
		{"custom networking needs a second interface", "m5.large", func(o *Options) { custom(o); o.MaxENIs = 1 },
			0, 0, 0, LimitNoInterface, nil, SecondaryIP, 0},

		{"security groups", "m5.large", groups, 29, 18, 9, LimitTakenENIs, nil, SecondaryIP, 2},
		{"security groups and custom networking", "m5.large", func(o *Options) { groups(o); custom(o) },
			20, 9, 9, LimitTakenENIs, nil, SecondaryIP, 1},
		{"security groups with prefixes", "m5.large", func(o *Options) { groups(o); prefix(o) },
			299, 288, 9, LimitTakenENIs, nil, Prefix, 2},
		{"security groups under the cap", "m5.24xlarge", func(o *Options) { groups(o); recommended(o) },
			250, 248, 107, LimitRecommendedCap, nil, SecondaryIP, 14},
		{"no trunk, no slot lost", "t3.medium", groups, 17, 15, 0, LimitAddresses,
			[]verdict.Code{NoteTrunkingUnsupported}, SecondaryIP, 3},
		{"trunk unknown, slot lost", "trn2.3xlarge", groups, 16, 14, 0, LimitTakenENIs,
			[]verdict.Code{NoteTrunkingUnknown}, SecondaryIP, 1},

		{"IPv6 follows the formula", "m5.large", ipv6, 29, 27, 0, LimitMaxPodsFormula, nil, SecondaryIP, 3},
		{"IPv6 addresses do not bind", "m5.large", func(o *Options) { ipv6(o); host(1)(o) },
			29, 28, 0, LimitMaxPodsFormula, nil, SecondaryIP, 3},
		{"IPv6 with prefixes", "m5.large", func(o *Options) { ipv6(o); prefix(o) },
			434, 432, 0, LimitMaxPodsFormula, nil, Prefix, 3},
		{"IPv6 with the cap", "m5.large", func(o *Options) { ipv6(o); prefix(o); recommended(o) },
			110, 108, 0, LimitRecommendedCap, nil, Prefix, 3},
		{"no IPv6 on Xen", "c4.large", ipv6, 0, 0, 0, LimitIPv6Unsupported, nil, SecondaryIP, 0},

		{"impossible: IPv6 and custom networking", "m5.large", func(o *Options) { ipv6(o); custom(o) },
			0, 0, 0, LimitImpossibleOptions, nil, SecondaryIP, 0},
	}
	for _, test := range tests {
		t.Run(test.instance+"/"+test.name, func(t *testing.T) {
			got := Compute(mustLookup(t, test.instance), with(test.change))
			if got.MaxPods != test.max || got.IPPods != test.ips || got.BranchPods != test.branch {
				t.Errorf("max, ip, branch pods = %d, %d, %d; want %d, %d, %d",
					got.MaxPods, got.IPPods, got.BranchPods, test.max, test.ips, test.branch)
			}
			if got.LimitedBy != test.limit {
				t.Errorf("limited by %s, want %s", got.LimitedBy, test.limit)
			}
			if !slices.Equal(got.Notes, test.notes) {
				t.Errorf("notes %v, want %v", got.Notes, test.notes)
			}
			if got.Mode != test.mode || got.PodENIs != test.interfacesForPods {
				t.Errorf("mode %s with %d interfaces, want %s with %d", got.Mode, got.PodENIs, test.mode, test.interfacesForPods)
			}
		})
	}
}

func TestComputeOfTypeWithoutAddressesForPods(t *testing.T) {
	for _, empty := range []Type{{}, {ENIs: 4}, {ENIs: 4, IPv4PerENI: 1}, {ENIs: -1, IPv4PerENI: -1}} {
		if got := Compute(empty, DefaultOptions()); got.MaxPods != 0 || got.LimitedBy != LimitNoInterface {
			t.Errorf("Compute(%+v) = %d pods, limited by %s; want none for want of an interface", empty, got.MaxPods, got.LimitedBy)
		}
	}
}
