package eni

import "github.com/trimtab/trimtab/internal/verdict"

// addressesPerPrefix is the size of a /28, the only prefix that the CNI asks for.
const addressesPerPrefix = 16

// The recommended caps; the larger one is for types with more vCPUs than largeVCPUs.
const (
	smallCap   = 110
	largeCap   = 250
	largeVCPUs = 30
)

// Result is how many pods a node of a type holds, and why not more.
type Result struct {
	// MaxPods bounds all pods of the node. It is the kubelet's maxPods.
	MaxPods int
	// IPPods bounds the pods that take an address of the node's interfaces, given the host-network
	// pods of the options. It is at most MaxPods.
	IPPods int
	// BranchPods bounds the pods with security groups of their own. It is at most MaxPods. IPPods and
	// BranchPods hold each by itself; both together are bounded by MaxPods besides.
	BranchPods int
	// PodENIs is the number of interfaces that carry pods, after all that takes one away.
	PodENIs int
	// Mode is what the CNI really does: SecondaryIP where prefixes were asked of a type without them.
	Mode Mode
	// LimitedBy is one of the Limit codes.
	LimitedBy verdict.Code
	// Notes are Note codes, in the order in which they are declared; nil if there is nothing to note.
	Notes []verdict.Code
	// Allocatable has a meaning only if AllocatableKnown.
	Allocatable      Allocatable
	AllocatableKnown bool
}

// Compute gives the limits of a node of type t under options o:
//
//	interfaces = min(ENIs, MaxENIs) - reserved - 1 with custom networking - 1 for a trunk
//	addresses  = interfaces * (IPv4PerENI - 1), times 16 with prefixes
//	MaxPods    = addresses + 2 + branch interfaces, at most the cap
//	IPPods     = min(addresses, MaxPods - host-network pods)
//
// With IPv6 addresses do not bind, so IPPods is what the kubelet's limit leaves. MaxPods follows the
// formula all the same, because that is what the node's own set-up computes for either family.
// Without an interface for pods a node cannot become ready, so nothing fits on it, not even the "+2".
// Options that Validate refuses give no pods and LimitImpossibleOptions.
func Compute(t Type, o Options) Result {
	if !o.possible() {
		return Result{Mode: o.Mode, LimitedBy: LimitImpossibleOptions}
	}
	r := Result{Mode: o.Mode}
	r.Allocatable, r.AllocatableKnown = t.Allocatable(o.VMMemoryOverhead)
	if o.Family == IPv6 && !t.SupportsPrefixes() {
		r.LimitedBy = LimitIPv6Unsupported
		return r
	}
	if o.Mode == Prefix && !t.SupportsPrefixes() {
		r.Mode = SecondaryIP
		r.note(NotePrefixesUnsupported)
	}
	branches := r.branches(t, o)
	enis, limit := podENIs(t, o)
	slots := enis * (t.IPv4PerENI - 1)
	if enis <= 0 || slots <= 0 {
		r.LimitedBy = LimitNoInterface
		return r
	}
	addresses := slots
	if r.Mode == Prefix {
		addresses *= addressesPerPrefix
	}
	r.PodENIs, r.LimitedBy = enis, limit
	r.fill(t, o, addresses, branches)
	return r
}

// fill sets the pod counts from the addresses, and what limited them where it is not the interfaces.
func (r *Result) fill(t Type, o Options, addresses, branches int) {
	r.MaxPods = addresses + StandardHostNetworkPods + branches
	capped := o.Cap == RecommendedCap && r.MaxPods > recommendedCap(t)
	if capped {
		r.MaxPods = recommendedCap(t)
	}
	room := max(0, r.MaxPods-o.HostNetworkPods)
	r.IPPods, r.BranchPods = min(addresses, room), min(branches, room)
	if o.Family == IPv6 {
		r.IPPods, r.LimitedBy = room, LimitMaxPodsFormula
	}
	switch {
	case capped:
		r.LimitedBy = LimitRecommendedCap
	case o.Family == IPv4 && r.IPPods < addresses:
		r.LimitedBy = LimitHostNetworkPods
	}
	if o.Cap == RecommendedCap && !t.Sized() {
		r.note(NoteVCPUsUnknown)
	}
	if o.Family == IPv4 && room > addresses+branches {
		r.note(NotePodsWithoutAddress)
	}
}

// branches is the number of branch interfaces under these options; it notes where there are none.
func (r *Result) branches(t Type, o Options) int {
	if !o.SecurityGroupsForPods {
		return 0
	}
	switch t.Trunking {
	case TrunkingSupported:
		return t.BranchENIs
	case TrunkingUnsupported:
		r.note(NoteTrunkingUnsupported)
	default:
		r.note(NoteTrunkingUnknown)
	}
	return 0
}

// podENIs is the number of interfaces that carry pods, possibly negative, and the code that explains it.
// The trunk's slot is kept too where it is not known if the type can have one, as the CNI does.
func podENIs(t Type, o Options) (int, verdict.Code) {
	enis, limit := t.ENIs, LimitAddresses
	if o.MaxENIs > 0 && o.MaxENIs < enis {
		enis, limit = o.MaxENIs, LimitMaxENIs
	}
	taken := o.ReservedENIs
	if o.CustomNetworking {
		taken++
	}
	if o.SecurityGroupsForPods && t.Trunking != TrunkingUnsupported {
		taken++
	}
	if taken > 0 {
		limit = LimitTakenENIs
	}
	return enis - taken, limit
}

// recommendedCap takes a type of unknown size for a small one: the cautious side.
func recommendedCap(t Type) int {
	if t.Sized() && t.VCPUs > largeVCPUs {
		return largeCap
	}
	return smallCap
}

func (r *Result) note(code verdict.Code) { r.Notes = append(r.Notes, code) }
