package eni

import "math"

// Parts of a node's memory, in MiB, that pods cannot have.
const (
	kubeReservedBaseMiB   = 255
	kubeReservedPerPodMiB = 11
	evictionThresholdMiB  = 100
	arm64ContiguousMiB    = 64 // held by the kernel of the EKS images for arm64
	bytesPerMiB           = 1 << 20
)

// Allocatable is what a node offers to pods.
type Allocatable struct {
	CPUMilli  int64
	MemoryMiB int64
}

// StandardMaxPods is the formula for a node without any option: ENIs * (IPv4PerENI - 1) + 2.
func (t Type) StandardMaxPods() int {
	return t.ENIs*(t.IPv4PerENI-1) + StandardHostNetworkPods
}

// Allocatable is the CPU and memory that an EKS node (AL2023) of this type has left for pods, by the
// rules of its set-up:
//
//	memory = MiB - 64 on arm64 - overhead of the rest, rounded up - kube-reserved - 100 (eviction)
//	kube-reserved memory = 255 + 11 * StandardMaxPods, whatever number of pods the user asks for
//	kube-reserved CPU    = 6% of the first vCPU, 1% of the 2nd, 0.5% of the 3rd and 4th, 0.25% of others
//
// The overhead, from 0 to less than 1, is what the hypervisor keeps; how much it really is differs by type
// and is not published, so a node may have somewhat more. False if the type's size is not known.
func (t Type) Allocatable(vmMemoryOverhead float64) (Allocatable, bool) {
	if !t.Sized() {
		return Allocatable{}, false
	}
	memory := t.MemoryMiB
	if t.Arch == ARM64 {
		memory -= arm64ContiguousMiB
	}
	memory -= int64(math.Ceil(float64(memory*bytesPerMiB) * vmMemoryOverhead / bytesPerMiB))
	memory -= kubeReservedBaseMiB + kubeReservedPerPodMiB*int64(t.StandardMaxPods()) + evictionThresholdMiB
	return Allocatable{
		CPUMilli:  int64(t.VCPUs)*1000 - kubeReservedCPU(t.VCPUs),
		MemoryMiB: max(0, memory),
	}, true
}

// kubeReservedCPU is in thousandths of a vCPU, rounded down.
func kubeReservedCPU(vcpus int) int64 {
	tenths := 0
	for _, band := range [...]struct{ cores, tenths int }{{1, 600}, {1, 100}, {2, 50}, {vcpus, 25}} {
		cores := min(vcpus, band.cores)
		tenths += cores * band.tenths
		vcpus -= cores
	}
	return int64(tenths / 10)
}
