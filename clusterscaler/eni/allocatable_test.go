package eni

import "testing"

// The figures are those that Karpenter publishes for AL2023 nodes.
func TestAllocatablePublished(t *testing.T) {
	tests := []struct {
		instance string
		cpuMilli int64
		memory   int64
		pods     int
	}{
		{"a1.medium", 940, 1392, 8},
		{"a1.large", 1930, 3055, 29},
		{"a1.xlarge", 3920, 6525, 58},
		{"a1.2xlarge", 7910, 14103, 58},
		{"a1.4xlarge", 15890, 27322, 234},
		{"a1.metal", 15890, 27322, 234},
		{"c1.medium", 1930, 1122, 12},
		{"c1.xlarge", 7910, 5637, 58},
		{"c3.large", 1930, 2878, 29},
		{"c3.2xlarge", 7910, 13215, 58},
		{"c4.large", 1930, 2878, 29},
		{"c4.4xlarge", 15890, 25487, 234},
		{"c4.8xlarge", 35840, 53903, 234},
	}
	for _, test := range tests {
		t.Run(test.instance, func(t *testing.T) {
			r := Compute(mustLookup(t, test.instance), DefaultOptions())
			if !r.AllocatableKnown || r.Allocatable != (Allocatable{test.cpuMilli, test.memory}) || r.MaxPods != test.pods {
				t.Errorf("got %+v (known: %t), %d pods; want {%d %d}, %d pods",
					r.Allocatable, r.AllocatableKnown, r.MaxPods, test.cpuMilli, test.memory, test.pods)
			}
		})
	}
}

func TestAllocatableIgnoresMaxPodsOfTheUser(t *testing.T) {
	m5 := mustLookup(t, "m5.large")
	plain, prefixes := Compute(m5, DefaultOptions()), Compute(m5, with(func(o *Options) { o.Mode = Prefix }))
	if plain.Allocatable != prefixes.Allocatable || plain.MaxPods == prefixes.MaxPods {
		t.Errorf("allocatable %+v for %d pods, %+v for %d: the reservation follows the standard formula",
			plain.Allocatable, plain.MaxPods, prefixes.Allocatable, prefixes.MaxPods)
	}
}

func TestAllocatableOverhead(t *testing.T) {
	m5 := mustLookup(t, "m5.large")
	for overhead, want := range map[float64]int64{0: 7518, 0.075: 6903, 0.5: 3422, 0.99: 0} {
		if got, _ := m5.Allocatable(overhead); got.MemoryMiB != want {
			t.Errorf("memory with an overhead of %v = %d MiB, want %d", overhead, got.MemoryMiB, want)
		}
	}
}

func TestAllocatableUnknown(t *testing.T) {
	for name, it := range map[string]Type{
		"by hand":           {ENIs: 3, IPv4PerENI: 10},
		"no memory":         {ENIs: 3, IPv4PerENI: 10, VCPUs: 2, Arch: AMD64},
		"published unsized": mustLookup(t, "c8g-flex.large"),
	} {
		r := Compute(it, DefaultOptions())
		if r.AllocatableKnown || r.MaxPods != 29 {
			t.Errorf("%s: known %t, %d pods; want unknown, 29", name, r.AllocatableKnown, r.MaxPods)
		}
	}
}

// The reserved CPU in thousandths for each number of vCPUs, as EKS nodes reserve it.
func TestKubeReservedCPU(t *testing.T) {
	for vcpus, want := range map[int]int64{1: 60, 2: 70, 4: 80, 8: 90, 16: 110, 32: 150, 48: 190, 64: 230,
		96: 310, 128: 390, 192: 550, 384: 1030, 896: 2310} {
		if got := kubeReservedCPU(vcpus); got != want {
			t.Errorf("kubeReservedCPU(%d) = %d, want %d", vcpus, got, want)
		}
	}
}
