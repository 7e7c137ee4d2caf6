package fetch

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Policy says which connections are allowed. A nil Policy allows all.
type Policy struct {
	// Key is the section of the configuration, for the texts of refusals.
	Key string
	// Hosts are names in lower case, or `*.` with a suffix. If there are none, every host is allowed.
	Hosts []string
	// Schemes are the allowed schemes. If there are none, all are allowed.
	Schemes []string
	// Allowed are networks that are allowed although Refused or the built-in list has them.
	Allowed []netip.Prefix
	// Refused are networks that are refused in addition to the built-in list.
	Refused []netip.Prefix
}

// Refusal is why a connection is not allowed. It does not repeat the host, which may come from a Secret.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

// network is a network that is refused, unless the configuration allows it.
type network struct {
	prefix string
	name   string
}

// builtIn are the networks that lead to the node, the cloud or trimtab itself.
func builtIn() []network {
	return []network{
		{"127.0.0.0/8", "loopback"}, {"::1/128", "loopback"},
		{"0.0.0.0/8", "the own host"}, {"::/128", "the own host"},
		{"169.254.0.0/16", "link-local, where clouds serve metadata and credentials"}, {"fe80::/10", "link-local"},
		{"224.0.0.0/4", "multicast"}, {"ff00::/8", "multicast"}, {"255.255.255.255/32", "broadcast"},
		{"fd00:ec2::/32", "metadata of AWS"}, {"fd20:ce::/32", "metadata of Google Cloud"}, {"fd00:42::42/128", "metadata of Scaleway"},
		{"168.63.129.16/32", "metadata of Azure"}, {"100.100.100.200/32", "metadata of Alibaba Cloud"}, {"192.0.0.192/32", "metadata of Oracle Cloud"},
	}
}

// nat64 addresses have an IPv4 address in their last 32 bits (RFC 6052).
const nat64 = "64:ff9b::/96"

// CheckHost refuses a scheme or host that is not allowed, as far as their texts show it. The host has no port.
func (p *Policy) CheckHost(scheme, host string) error {
	if p == nil {
		return nil
	}
	if len(p.Schemes) > 0 && !slices.Contains(p.Schemes, strings.ToLower(scheme)) {
		return &Refusal{"the scheme is not one of " + p.Key + ".allowedSchemes: " + strings.Join(p.Schemes, ", ")}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(p.Hosts) > 0 && !slices.ContainsFunc(p.Hosts, func(allowed string) bool { return matches(allowed, host) }) {
		return &Refusal{"the host is not one of " + p.Key + ".allowedHosts"}
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return p.CheckAddress(address)
	}
	if host == "localhost" && p.CheckAddress(netip.IPv6Loopback()) != nil { // this name always leads to loopback (RFC 6761)
		return p.CheckAddress(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return nil
}

// matches is true if host matches an allowed name. A name that is not ASCII never matches, since it would be sent as
// another name.
func matches(allowed, host string) bool {
	if suffix, wild := strings.CutPrefix(allowed, "*"); wild {
		return len(host) > len(suffix) && strings.HasSuffix(host, suffix) && !strings.ContainsFunc(host, func(r rune) bool { return r > '~' })
	}
	return host == allowed
}

// CheckAddress refuses an address in a network that is not allowed.
func (p *Policy) CheckAddress(address netip.Addr) error {
	if p == nil {
		return nil
	}
	for _, a := range spellings(address) {
		if contain(p.Allowed, a) {
			continue
		}
		for _, n := range builtIn() {
			if prefix := netip.MustParsePrefix(n.prefix); prefix.Contains(a) {
				return &Refusal{"the address lies in " + n.prefix + " (" + n.name + "), which is refused unless " + p.Key + ".allowedNetworks has it"}
			}
		}
		if contain(p.Refused, a) {
			return &Refusal{"the address lies in a network of " + p.Key + ".refusedNetworks"}
		}
	}
	return nil
}

// spellings are the equal forms of an address: IPv4 inside IPv6 is IPv4.
func spellings(a netip.Addr) []netip.Addr {
	a = a.Unmap().WithZone("")
	all := []netip.Addr{a}
	if netip.MustParsePrefix(nat64).Contains(a) {
		b := a.As16()
		all = append(all, netip.AddrFrom4([4]byte(b[12:])))
	}
	return all
}

func contain(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Dialer dials where the policy allows it. It checks each resolved address immediately before the connection.
func (p *Policy) Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: p.control}
}

func (p *Policy) control(_, address string, _ syscall.RawConn) error {
	if p == nil {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil { // a Unix socket has no such address
		return &Refusal{"what is dialled has no IP address"}
	}
	return p.CheckAddress(to.Addr())
}
