package eni

import (
	"encoding"
	"errors"
	"math"
	"testing"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   []error
	}{
		{"defaults", func(*Options) {}, nil},
		{"negative reservation", func(o *Options) { o.ReservedENIs = -1 }, []error{ErrNegative}},
		{"negative limit", func(o *Options) { o.MaxENIs = -1 }, []error{ErrNegative}},
		{"negative host-network pods", func(o *Options) { o.HostNetworkPods = -1 }, []error{ErrNegative}},
		{"all memory", func(o *Options) { o.VMMemoryOverhead = 1 }, []error{ErrOverhead}},
		{"not a number", func(o *Options) { o.VMMemoryOverhead = math.NaN() }, []error{ErrOverhead}},
		{"IPv6 with all it excludes", func(o *Options) { o.Family, o.CustomNetworking, o.SecurityGroupsForPods = IPv6, true, true },
			[]error{ErrIPv6CustomNetworking, ErrIPv6SecurityGroups}},
		{"everything else", func(o *Options) {
			*o = Options{Prefix, true, 9, 9, true, IPv4, 9, RecommendedCap, 0.5}
		}, nil},
	} {
		err := with(test.change).Validate()
		if (err == nil) != (len(test.want) == 0) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		for _, want := range test.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v in it", test.name, err, want)
			}
		}
	}
}

func TestValidateNamesTheValue(t *testing.T) {
	err := Options{MaxENIs: -3}.Validate()
	if want := "max ENIs -3: must not be negative"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// Each choice reads what it writes, and refuses everything else with a message that tells the choices.
func TestChoicesAsText(t *testing.T) {
	type choice interface {
		encoding.TextUnmarshaler
		encoding.TextMarshaler
	}
	for text, into := range map[string]choice{
		"secondary-ip": new(Mode), "prefix": new(Mode), "ipv4": new(Family), "ipv6": new(Family),
		"recommended": new(Cap), "none": new(Cap),
	} {
		if err := into.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, err := into.MarshalText(); err != nil || string(got) != text {
			t.Errorf("%s reads back as %s, %v", text, got, err)
		}
	}
	for into, want := range map[choice]error{new(Mode): ErrUnknownMode, new(Family): ErrUnknownFamily, new(Cap): ErrUnknownCap} {
		if err := into.UnmarshalText([]byte("Prefix")); !errors.Is(err, want) {
			t.Errorf("%T of nonsense: %v, want %v", into, err, want)
		}
	}
}
