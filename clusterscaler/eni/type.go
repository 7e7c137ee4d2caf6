package eni

// Type is what is known of one EC2 instance type.
type Type struct {
	// Name is the API name of the type, for example "m5.large".
	Name string
	// ENIs is the number of network interfaces that the default network card takes.
	ENIs int
	// IPv4PerENI is the number of IPv4 addresses of an interface, its own one included.
	IPv4PerENI int
	// NetworkCards counts all cards. Only interfaces on the default one serve ordinary pods.
	NetworkCards int
	// Trunking says if the type can carry a trunk interface, which security groups for pods need.
	Trunking Trunking
	// BranchENIs is the number of branch interfaces, one for each pod with its own security groups.
	// It has a meaning only if Trunking is TrunkingSupported.
	BranchENIs int
	// Hypervisor decides with BareMetal whether address prefixes and IPv6 can be used.
	Hypervisor Hypervisor
	BareMetal  bool
	// VCPUs, MemoryMiB and Arch are meaningful only if Sized.
	VCPUs     int
	MemoryMiB int64
	Arch      Arch
}

// Sized says whether CPU, memory and architecture are known. They are not for types given by hand and
// for some that their vendor lists without sizes.
func (t Type) Sized() bool { return t.VCPUs > 0 && t.MemoryMiB > 0 && t.Arch != "" }

// SupportsPrefixes says whether the CNI attaches /28 prefixes (and, for IPv6, a /80) to the type's
// interfaces: on Nitro and on bare metal. It reports false if the hypervisor is not known.
func (t Type) SupportsPrefixes() bool { return t.Hypervisor == Nitro || t.BareMetal }

// Arch is a CPU architecture as the label kubernetes.io/arch names it; empty if not known.
type Arch string

// The architectures of EC2.
const (
	AMD64 Arch = "amd64"
	ARM64 Arch = "arm64"
)

// Hypervisor is the platform below a virtual machine.
type Hypervisor uint8

const (
	// HypervisorUnknown is the platform of bare metal and of types that nobody describes.
	HypervisorUnknown Hypervisor = iota
	// Xen is the platform of older generations: no prefixes, no trunk, no IPv6.
	Xen
	// Nitro is the platform of all newer generations.
	Nitro
)

// Trunking is whether a type can carry a trunk interface.
type Trunking uint8

const (
	// TrunkingUnknown makes the CNI keep a slot for a trunk that may never come.
	TrunkingUnknown Trunking = iota
	// TrunkingUnsupported means that security groups for pods do not work on the type.
	TrunkingUnsupported
	// TrunkingSupported means that BranchENIs is meaningful.
	TrunkingSupported
)
