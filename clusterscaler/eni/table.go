package eni

import (
	"strconv"
	"strings"
)

// The table is one constant string of lines of equal width, sorted by name, so that it costs nothing
// at start, needs no variable, and is searched without being parsed. Each line ends in a line feed:
//
//	name                 ENIs  IPs  cards  branch  vCPUs  memory MiB  flags
//	m5.large                3   10      1       9      2        8192   n.yx
//
// A dash stands for a number that is not known. The flags are, in this order: hypervisor n(itro),
// x(en) or ?; m for bare metal or a dot; trunking y, n or ?; architecture x (amd64), a (arm64) or ?.
const (
	nameWidth = 20
	lineWidth = nameWidth + 37
)

// Lookup finds a type by its exact name. It allocates nothing.
func Lookup(instanceType string) (Type, bool) {
	low, high := 0, len(table)/lineWidth
	for low < high {
		mid := int(uint(low+high) >> 1)
		line := table[mid*lineWidth : (mid+1)*lineWidth]
		switch name := lineName(line); {
		case name == instanceType:
			return parseLine(line), true
		case name < instanceType:
			low = mid + 1
		default:
			high = mid
		}
	}
	return Type{}, false
}

// Types returns all known types, sorted by name. The slice is the caller's.
func Types() []Type {
	types := make([]Type, 0, len(table)/lineWidth)
	for at := 0; at < len(table); at += lineWidth {
		types = append(types, parseLine(table[at:at+lineWidth]))
	}
	return types
}

func lineName(line string) string { return strings.TrimRight(line[:nameWidth], " ") }

func parseLine(line string) Type {
	t := Type{
		Name:         lineName(line),
		ENIs:         field(line, 20, 23),
		IPv4PerENI:   field(line, 23, 27),
		NetworkCards: field(line, 27, 30),
		BranchENIs:   field(line, 30, 34),
		VCPUs:        field(line, 34, 39),
		MemoryMiB:    int64(field(line, 39, 50)),
		BareMetal:    line[53] == 'm',
	}
	switch line[52] {
	case 'n':
		t.Hypervisor = Nitro
	case 'x':
		t.Hypervisor = Xen
	}
	switch line[54] {
	case 'y':
		t.Trunking = TrunkingSupported
	case 'n':
		t.Trunking = TrunkingUnsupported
	}
	switch line[55] {
	case 'x':
		t.Arch = AMD64
	case 'a':
		t.Arch = ARM64
	}
	return t
}

// field is the number between two columns; a dash, which no caller uses as a number, gives zero.
func field(line string, from, to int) int {
	n, err := strconv.Atoi(strings.TrimLeft(line[from:to], " "))
	if err != nil {
		return 0
	}
	return n
}
