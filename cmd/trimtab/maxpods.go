package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab/clusterscaler/eni"
	"github.com/trimtab/trimtab/internal/verdict"
)

const maxpodsUsage = `Prints how many pods fit on an EC2 instance type under the Amazon VPC CNI.

Usage: trimtab maxpods --instance-type TYPE | --all | --enis N --ips-per-eni N   [flags]

  $ trimtab maxpods --instance-type c4.large
  29
  $ trimtab maxpods --instance-type m5.large --cni-mode prefix --cap recommended
  110
  $ trimtab maxpods --instance-type m5.large --custom-networking -o json     # with what limits it, and allocatable
  $ trimtab maxpods --all > maxpods.csv                                      # type,max_pods,ip_pods of every known type
  $ trimtab maxpods --instance-type new9.large --enis 3 --ips-per-eni 10     # a type that is not known yet
`

// maxpodsLimit bounds --enis and --ips-per-eni, far above what EC2 has.
const maxpodsLimit = 1000

// maxpodsFlags are the flags after they were checked.
type maxpodsFlags struct {
	instanceType, output string
	all                  bool
	enis, ipsPerENI      int
	options              eni.Options
}

// maxpodsAnswer is the JSON of one type. A number that is not known is null.
type maxpodsAnswer struct {
	InstanceType string              `json:"instanceType"`
	MaxPods      int                 `json:"maxPods"`
	IPPods       int                 `json:"ipPods"`
	BranchPods   *int                `json:"branchPods"`
	ENIs         int                 `json:"enis"`
	IPv4PerENI   int                 `json:"ipv4PerEni"`
	PodENIs      int                 `json:"podEnis"`
	CNIMode      eni.Mode            `json:"cniMode"`
	LimitedBy    verdict.Code        `json:"limitedBy"`
	Notes        []verdict.Code      `json:"notes,omitempty"`
	Allocatable  *maxpodsAllocatable `json:"allocatable"`
}

type maxpodsAllocatable struct {
	CPUMilli  int64 `json:"cpuMilli"`
	MemoryMiB int64 `json:"memoryMiB"`
}

func maxpods(args []string, stdout, stderr io.Writer) int {
	s := stdio{out: stdout, err: stderr}
	fs := flag.NewFlagSet("maxpods", flag.ContinueOnError)
	f := defineMaxpodsFlags(fs)
	if code, done := parse(fs, maxpodsUsage, args, s); done {
		return code
	}
	if err := f.check(fs); err != nil {
		return wrongUsage(fs, s, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	types, err := f.types()
	if err != nil {
		return s.fail(err)
	}
	answers := make([]maxpodsAnswer, 0, len(types))
	for _, t := range types {
		answers = append(answers, answerMaxpods(t, f.options))
	}
	if err := f.print(stdout, answers); err != nil {
		return s.fail(fmt.Errorf("write the answer: %w", err))
	}
	if f.output == "text" {
		explainMaxpods(stderr, answers)
	}
	return exitDone
}

func defineMaxpodsFlags(fs *flag.FlagSet) *maxpodsFlags {
	f := &maxpodsFlags{options: eni.DefaultOptions()}
	o := &f.options
	fs.StringVar(&f.instanceType, "instance-type", "", "instance `type`, for example m5.large")
	fs.BoolVar(&f.all, "all", false, "all known types, as CSV or a JSON list")
	fs.StringVar(&f.output, "o", "text", "output `format`: text or json")
	fs.IntVar(&f.enis, "enis", 0, "`number` of network interfaces on the default card, instead of the type's")
	fs.IntVar(&f.ipsPerENI, "ips-per-eni", 0, "`number` of IPv4 addresses of an interface, its own included, instead of the type's")
	fs.TextVar(&o.Mode, "cni-mode", o.Mode, "`mode` of the CNI: secondary-ip or prefix")
	fs.BoolVar(&o.CustomNetworking, "custom-networking", false, "pods have subnets of their own, and the first interface carries none")
	fs.IntVar(&o.ReservedENIs, "reserved-enis", 0, "`number` of interfaces that something else uses")
	fs.IntVar(&o.MaxENIs, "max-enis", 0, "`number` of interfaces that the CNI may attach, 0: all")
	fs.BoolVar(&o.SecurityGroupsForPods, "security-groups-for-pods", false, "one interface is a trunk, and pods may have branch interfaces")
	fs.TextVar(&o.Family, "ip-family", o.Family, "`family` of the pods' addresses: ipv4 or ipv6")
	fs.IntVar(&o.HostNetworkPods, "host-network-pods", o.HostNetworkPods, "`number` of pods on a node that need no address")
	fs.TextVar(&o.Cap, "cap", o.Cap, "`cap` on the number of pods: recommended (110, or 250 above 30 vCPUs) or none")
	fs.Float64Var(&o.VMMemoryOverhead, "vm-memory-overhead", o.VMMemoryOverhead, "`share` of memory that the hypervisor keeps")
	return f
}

// check finds what cannot be meant, whatever the types are.
func (f *maxpodsFlags) check(fs *flag.FlagSet) error {
	given := map[string]bool{}
	fs.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	switch byHand := given["enis"]; {
	case fs.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("-o %q is neither text nor json", f.output)
	case byHand != given["ips-per-eni"]:
		return errors.New("--enis and --ips-per-eni go together")
	case byHand && (f.enis < 1 || f.enis > maxpodsLimit || f.ipsPerENI < 1 || f.ipsPerENI > maxpodsLimit):
		return fmt.Errorf("--enis %d --ips-per-eni %d: each is from 1 to %d", f.enis, f.ipsPerENI, maxpodsLimit)
	case f.all && (byHand || given["instance-type"]):
		return errors.New("--all goes with neither --instance-type nor --enis")
	case !f.all && !byHand && f.instanceType == "":
		return errors.New("one of --instance-type, --all or --enis is needed")
	}
	return f.options.Validate()
}

// types are those asked for. A type given by hand that is not known is taken for a new one, on Nitro.
func (f *maxpodsFlags) types() ([]eni.Type, error) {
	if f.all {
		return eni.Types(), nil
	}
	t, known := eni.Lookup(f.instanceType)
	if f.enis > 0 {
		if !known {
			t = eni.Type{Name: f.instanceType, NetworkCards: 1, Hypervisor: eni.Nitro}
		}
		t.ENIs, t.IPv4PerENI = f.enis, f.ipsPerENI
	} else if !known {
		return nil, fmt.Errorf("unknown instance type %q; the nearest known ones are %s; give the limits of a new one by hand with --enis N --ips-per-eni N",
			f.instanceType, strings.Join(eni.Nearest(f.instanceType, 3), ", "))
	}
	return []eni.Type{t}, nil
}

func answerMaxpods(t eni.Type, o eni.Options) maxpodsAnswer {
	r := eni.Compute(t, o)
	a := maxpodsAnswer{InstanceType: t.Name, MaxPods: r.MaxPods, IPPods: r.IPPods, ENIs: t.ENIs, IPv4PerENI: t.IPv4PerENI,
		PodENIs: r.PodENIs, CNIMode: r.Mode, LimitedBy: r.LimitedBy, Notes: r.Notes}
	if !o.SecurityGroupsForPods || t.Trunking != eni.TrunkingUnknown {
		a.BranchPods = &r.BranchPods
	}
	if r.AllocatableKnown {
		a.Allocatable = &maxpodsAllocatable{r.Allocatable.CPUMilli, r.Allocatable.MemoryMiB}
	}
	return a
}

func (f *maxpodsFlags) print(w io.Writer, answers []maxpodsAnswer) error {
	switch {
	case f.output == "json" && f.all:
		return json.NewEncoder(w).Encode(answers)
	case f.output == "json":
		return json.NewEncoder(w).Encode(answers[0])
	case !f.all:
		_, err := fmt.Fprintln(w, answers[0].MaxPods)
		return err
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"type", "max_pods", "ip_pods"}) // an error stays until Flush
	for _, a := range answers {
		_ = out.Write([]string{a.InstanceType, strconv.Itoa(a.MaxPods), strconv.Itoa(a.IPPods)})
	}
	out.Flush()
	return out.Error()
}

// explainMaxpods tells what the bare numbers hide, a line for each kind of surprise.
func explainMaxpods(w io.Writer, answers []maxpodsAnswer) {
	named := map[verdict.Code][]string{}
	for _, a := range answers {
		for _, note := range a.Notes {
			named[note] = append(named[note], cmp.Or(a.InstanceType, "this type"))
		}
		if a.MaxPods == 0 {
			named[a.LimitedBy] = append(named[a.LimitedBy], cmp.Or(a.InstanceType, "this type"))
		}
	}
	for _, doc := range eni.Codes() {
		switch names := named[doc.Code]; {
		case len(names) == 1:
			fmt.Fprintf(w, "trimtab maxpods: %s: %s (%s)\n", names[0], doc.Meaning, doc.Code)
		case len(names) > 1:
			fmt.Fprintf(w, "trimtab maxpods: %d types, %s first: %s (%s)\n", len(names), names[0], doc.Meaning, doc.Code)
		}
	}
}
