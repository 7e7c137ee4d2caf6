package eni

import "fmt"

// Mode is how the slots of an interface are filled. It reads and writes itself as text, so it can be
// a flag (flag.TextVar) and a key of a YAML file.
type Mode uint8

const (
	// SecondaryIP puts one IPv4 address into a slot. It is the CNI's default.
	SecondaryIP Mode = iota
	// Prefix puts a /28 prefix, 16 addresses, into a slot. Types that cannot do so keep single
	// addresses, as the CNI does, and the result says so.
	Prefix
)

// String is the name that UnmarshalText reads.
func (m Mode) String() string {
	if m == Prefix {
		return "prefix"
	}
	return "secondary-ip"
}

// MarshalText is String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts "secondary-ip" and "prefix".
func (m *Mode) UnmarshalText(text []byte) error {
	switch string(text) {
	case "secondary-ip":
		*m = SecondaryIP
	case "prefix":
		*m = Prefix
	default:
		return fmt.Errorf("%q: %w", text, ErrUnknownMode)
	}
	return nil
}

// Family is the family of the pods' addresses.
type Family uint8

const (
	// IPv4 pods need an address of an interface each.
	IPv4 Family = iota
	// IPv6 pods share one /80 prefix of the node: no number of pods exhausts it. It needs a type that
	// supports prefixes.
	IPv6
)

// String is the name that UnmarshalText reads.
func (f Family) String() string {
	if f == IPv6 {
		return "ipv6"
	}
	return "ipv4"
}

// MarshalText is String.
func (f Family) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText accepts "ipv4" and "ipv6".
func (f *Family) UnmarshalText(text []byte) error {
	switch string(text) {
	case "ipv4":
		*f = IPv4
	case "ipv6":
		*f = IPv6
	default:
		return fmt.Errorf("%q: %w", text, ErrUnknownFamily)
	}
	return nil
}

// Cap bounds the number of pods beyond what addresses allow.
type Cap uint8

const (
	// NoCap is the plain formula, as nodes outside managed node groups use it.
	NoCap Cap = iota
	// RecommendedCap is what EKS gives to managed node groups without a custom AMI, and what it
	// recommends for all: 110 pods, 250 for a type with more than 30 vCPUs.
	RecommendedCap
)

// String is the name that UnmarshalText reads.
func (c Cap) String() string {
	if c == RecommendedCap {
		return "recommended"
	}
	return "none"
}

// MarshalText is String.
func (c Cap) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText accepts "recommended" and "none".
func (c *Cap) UnmarshalText(text []byte) error {
	switch string(text) {
	case "recommended":
		*c = RecommendedCap
	case "none":
		*c = NoCap
	default:
		return fmt.Errorf("%q: %w", text, ErrUnknownCap)
	}
	return nil
}
