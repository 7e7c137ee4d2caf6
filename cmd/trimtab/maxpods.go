package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trimtab/trimtab/clusterscaler/eni"
	"github.com/trimtab/trimtab/internal/verdict"
)

// maxpodsLimit bounds --enis and --ips-per-eni, far above what EC2 has.
const maxpodsLimit = 1000

// maxpodsFlags are the checked flags.
type maxpodsFlags struct {
	instanceType    string
	output          *outputFormat
	all             bool
	enis, ipsPerENI int
	options         eni.Options
}

// maxpodsAnswer is the JSON of one type. An unknown number is null.
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

func maxpodsCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "maxpods --instance-type TYPE | --all | --enis N --ips-per-eni N", GroupID: groupOthers,
		Short: "Pods that fit on an instance type",
		Long:  "Prints how many pods fit on an EC2 instance type under the Amazon VPC CNI.",
		Example: `  $ trimtab maxpods --instance-type c4.large
  29
  $ trimtab maxpods --instance-type m5.large --cni-mode prefix --cap recommended
  110
  $ trimtab maxpods --instance-type m5.large --custom-networking -o json     # with what limits it, and allocatable
  $ trimtab maxpods --all > maxpods.csv                                      # type,max_pods,ip_pods of every known type
  $ trimtab maxpods --instance-type new9.large --enis 3 --ips-per-eni 10     # a type that is not known yet`,
		Args: noArguments,
	}
	f := defineMaxpodsFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd.Flags()); err != nil {
			return usageError{err}
		}
		return maxpods(f, s)
	}
	return cmd
}

func maxpods(f *maxpodsFlags, s stdio) error {
	types, err := f.types()
	if err != nil {
		return err
	}
	answers := make([]maxpodsAnswer, 0, len(types))
	for _, t := range types {
		answers = append(answers, answerMaxpods(t, f.options))
	}
	if err := f.print(s.out, answers); err != nil {
		return answered(err)
	}
	if *f.output == "text" {
		explainMaxpods(s.err, answers)
	}
	return nil
}

func defineMaxpodsFlags(cmd *cobra.Command) *maxpodsFlags {
	f := &maxpodsFlags{options: eni.DefaultOptions(), output: outputFlag(cmd)}
	fs := cmd.Flags()
	o := &f.options
	fs.StringVar(&f.instanceType, "instance-type", "", "instance `type`, for example m5.large")
	fs.BoolVar(&f.all, "all", false, "all known types, as CSV or a JSON list")
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
	must(cmd.RegisterFlagCompletionFunc("instance-type", instanceTypes))
	completesWith(cmd, "cni-mode", "secondary-ip", "prefix")
	completesWith(cmd, "ip-family", "ipv4", "ipv6")
	completesWith(cmd, "cap", "none", "recommended")
	return f
}

// instanceTypes completes the name of a known type.
func instanceTypes(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, t := range eni.Types() {
		if strings.HasPrefix(t.Name, begun) {
			names = append(names, t.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// check finds flags that make no sense for any type.
func (f *maxpodsFlags) check(fs *pflag.FlagSet) error {
	switch byHand := fs.Changed("enis"); {
	case byHand != fs.Changed("ips-per-eni"):
		return errors.New("--enis and --ips-per-eni go together")
	case byHand && (f.enis < 1 || f.enis > maxpodsLimit || f.ipsPerENI < 1 || f.ipsPerENI > maxpodsLimit):
		return fmt.Errorf("--enis %d --ips-per-eni %d: each is from 1 to %d", f.enis, f.ipsPerENI, maxpodsLimit)
	case f.all && (byHand || fs.Changed("instance-type")):
		return errors.New("--all goes with neither --instance-type nor --enis")
	case !f.all && !byHand && f.instanceType == "":
		return errors.New("one of --instance-type, --all or --enis is needed")
	}
	return f.options.Validate()
}

// types are the requested types. An unknown type with values in flags counts as a new one, on Nitro.
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
	case *f.output == "json" && f.all:
		return json.NewEncoder(w).Encode(answers)
	case *f.output == "json":
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

// explainMaxpods explains the numbers that may surprise, a line for each reason.
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
