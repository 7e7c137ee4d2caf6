package eni

import "github.com/trimtab/trimtab/internal/verdict"

// What limited the number of pods. A result has exactly one of these.
const (
	// LimitAddresses: the addresses of the type's interfaces.
	LimitAddresses verdict.Code = "InterfaceAddresses"
	// LimitMaxENIs: the addresses of fewer interfaces than the type has, as MaxENIs asks.
	LimitMaxENIs verdict.Code = "MaxENIs"
	// LimitTakenENIs: interfaces taken by custom networking, the trunk, or a reservation.
	LimitTakenENIs verdict.Code = "InterfacesTaken"
	// LimitHostNetworkPods: pods on the host network took slots of the kubelet, addresses stay unused.
	LimitHostNetworkPods verdict.Code = "HostNetworkPods"
	// LimitMaxPodsFormula: addresses abound (IPv6), the kubelet gets the number of the IPv4 formula all the same.
	LimitMaxPodsFormula verdict.Code = "MaxPodsFormula"
	// LimitRecommendedCap: the 110 or 250 pods that EKS recommends.
	LimitRecommendedCap verdict.Code = "RecommendedCap"
	// LimitNoInterface: no interface is left for pods.
	LimitNoInterface verdict.Code = "NoInterface"
	// LimitIPv6Unsupported: the type cannot carry the prefix that IPv6 nodes need.
	LimitIPv6Unsupported verdict.Code = "IPv6Unsupported"
	// LimitImpossibleOptions: Options.Validate has an error, nothing was computed.
	LimitImpossibleOptions verdict.Code = "ImpossibleOptions"
)

// Notes: what the user may not expect of a result.
const (
	// NotePrefixesUnsupported: prefixes were asked for, the CNI falls back to single addresses.
	NotePrefixesUnsupported verdict.Code = "PrefixesUnsupported"
	// NoteTrunkingUnsupported: the type cannot carry a trunk, so there are no branch pods.
	NoteTrunkingUnsupported verdict.Code = "TrunkingUnsupported"
	// NoteTrunkingUnknown: a slot is kept for a trunk, the number of branch pods is not known.
	NoteTrunkingUnknown verdict.Code = "TrunkingUnknown"
	// NoteVCPUsUnknown: the cap of a small type, 110, was applied to a type of unknown size.
	NoteVCPUsUnknown verdict.Code = "VCPUsUnknown"
	// NotePodsWithoutAddress: fewer host-network pods than the formula allows for, so the kubelet
	// admits pods for which there is no address.
	NotePodsWithoutAddress verdict.Code = "PodsWithoutAddress"
)

// Codes lists every code of this package with its meaning.
func Codes() []verdict.CodeDoc {
	return []verdict.CodeDoc{
		{Code: LimitAddresses, Meaning: "the addresses of the instance type's network interfaces bound the number of pods"},
		{Code: LimitMaxENIs, Meaning: "the CNI may attach fewer network interfaces than the instance type takes"},
		{Code: LimitTakenENIs, Meaning: "network interfaces are taken by custom networking, the trunk or a reservation"},
		{Code: LimitHostNetworkPods, Meaning: "host-network pods fill the kubelet's limit before the addresses are used up"},
		{Code: LimitMaxPodsFormula, Meaning: "IPv6 addresses abound and the kubelet's limit follows the IPv4 formula"},
		{Code: LimitRecommendedCap, Meaning: "the recommended cap of 110 pods, or 250 above 30 vCPUs, bounds the number of pods"},
		{Code: LimitNoInterface, Meaning: "no network interface is left for pods"},
		{Code: LimitIPv6Unsupported, Meaning: "the instance type cannot carry the address prefix that an IPv6 node needs"},
		{Code: LimitImpossibleOptions, Meaning: "the options exclude each other and nothing was computed"},
		{Code: NotePrefixesUnsupported, Meaning: "the instance type takes no address prefixes and the CNI falls back to single addresses"},
		{Code: NoteTrunkingUnsupported, Meaning: "the instance type carries no trunk interface and runs no pods with security groups of their own"},
		{Code: NoteTrunkingUnknown, Meaning: "it is not known if the instance type carries a trunk interface and a slot is kept for one"},
		{Code: NoteVCPUsUnknown, Meaning: "the number of vCPUs is not known and the cap of a small instance type is applied"},
		{Code: NotePodsWithoutAddress, Meaning: "the kubelet admits more pods that need an address than there are addresses"},
	}
}
