package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	clusterconfig "github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/offline"
	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/config"
)

// dumpFlags are the flags of `simulate cluster`.
type dumpFlags struct {
	dump, groups, config, now string
	respectTimers             bool
}

func simulateClusterCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster --dump FILE --groups FILE",
		Short: "Which nodes of a dumped cluster would come and go",
		Long: `Says what the cluster scaler would do to a cluster that is given by files, and why: which node groups would grow
for which pods, which nodes would go and where their pods fit, and for each pod and node that gets nothing the reason,
with numbers. It connects to nothing.

The dump is what kubectl prints, as YAML or JSON; the groups are written by hand (docs/simulate-cluster.md).`,
		Example: `  $ kubectl get nodes,pods,pdb,daemonsets,replicasets,statefulsets,jobs,replicationcontrollers,namespaces,\
      pvc,pv,storageclasses,csinodes,csidrivers,csistoragecapacities,volumeattachments -A -o yaml > dump.yaml
  $ trimtab simulate cluster --dump dump.yaml --groups groups.yaml
  $ trimtab simulate cluster --dump - --groups groups.yaml --config trimtab.yaml -o json < dump.yaml`,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	var f dumpFlags
	output := outputFlag(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.dump, "dump", "f", "", "`FILE` with the cluster's objects, as kubectl get -o yaml or -o json prints them; - is standard input")
	flags.StringVar(&f.groups, "groups", "", "`FILE` with the node groups")
	flags.StringVar(&f.config, "config", "", "`FILE` with trimtab's configuration, whose section clusterScaler applies (default: its defaults)")
	flags.StringVar(&f.now, "now", "", "the `TIME` for which to decide, as in 2026-11-25T15:04:05Z (default: now)")
	flags.BoolVar(&f.respectTimers, "respect-timers", false, "let nodes and pods wait as in the first loop of a new process (default: as if all waiting times had passed)")
	completesYAML(cmd, "dump", "groups", "config")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		now, err := f.time()
		switch {
		case len(args) > 0:
			return wrongUsage("it takes no argument, not %.80q; files stand behind --dump, --groups and --config", args[0])
		case f.dump == "" || f.groups == "":
			return wrongUsage("--dump FILE and --groups FILE are needed")
		case readTwice([]string{f.dump, f.groups, f.config}):
			return errReadTwice
		case err != nil:
			return wrongUsage("--now %.80q is no time; write one as in 2026-11-25T15:04:05Z", f.now)
		}
		result, err := simulateCluster(f, now, s)
		if err != nil {
			return err
		}
		if *output == "json" {
			return answered(encodeReadable(s.out, result))
		}
		return answered(writeCluster(s.out, result))
	}
	return cmd
}

func (f *dumpFlags) time() (time.Time, error) {
	if f.now == "" {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	return time.Parse(time.RFC3339, f.now)
}

// simulateCluster reads the files and makes the decision.
func simulateCluster(f dumpFlags, now time.Time, s stdio) (offline.Result, error) {
	cfg, notes, err := clusterConfig(f.config, s)
	if err != nil {
		return offline.Result{}, err
	}
	name, text, err := openInput(f.dump, s)
	if err != nil {
		return offline.Result{}, fmt.Errorf("%s: %w", name, err)
	}
	defer text.Close()
	var groups offline.Input
	if groups.Name, groups.Data, err = readInput(f.groups, s); err != nil {
		return offline.Result{}, fmt.Errorf("%s: %w", groups.Name, err)
	}
	cluster, err := offline.Read(offline.Dump{Name: name, Text: text}, groups)
	if err != nil {
		return offline.Result{}, err
	}
	policy := cfg.Policy()
	policy.IgnoreTimers = !f.respectTimers
	cluster.Taints(cfg.NodeTaints())
	if note := cluster.MinReplicas(cfg.MinReplicaCount); note != "" {
		notes = append(notes, note)
	}
	if slices.Contains(policy.Expanders, plan.Prioritize) {
		var note string
		if policy.Priorities, note = cluster.Priorities(cfg.Namespace); note != "" {
			notes = append(notes, note)
		}
	}
	if slices.Contains(policy.Expanders, plan.Ask) {
		notes = append(notes, "the expander grpc is not asked, since nothing is connected to: those behind it choose among all options")
	}
	result := cluster.Decide(policy, now)
	result.Notes = append(result.Notes, notes...)
	return result, nil
}

// clusterConfig is the section clusterScaler of the configuration. Without one the defaults apply, and a note says so.
// Other sections are checked, but the files that they name are not read.
func clusterConfig(path string, s stdio) (c *clusterconfig.Config, notes []string, err error) {
	c = &clusterconfig.Config{}
	c.SetDefaults()
	if path == "" {
		return c, nil, nil
	}
	name, data, err := readInput(path, s)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	var file configFile
	file.SetDefaults()
	ps := slices.DeleteFunc(decodeFile(name, data, &file), func(p config.Problem) bool {
		return p.Path == "clusterScaler.provider" // no cloud is asked: the user wants to see what would be done on a cloud without a driver
	})
	if err := ps.AsError(); err != nil {
		return nil, nil, err
	}
	if file.ClusterScaler == nil {
		return c, []string{name + " has no section clusterScaler: its defaults apply"}, nil
	}
	c = file.ClusterScaler
	return c, nil, nil
}
