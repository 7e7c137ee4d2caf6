package main

import "github.com/spf13/cobra"

func simulateCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "simulate", GroupID: groupDecisions,
		Short: "What would trimtab decide? offline, from files",
		Long:  "Computes offline, from files, what trimtab would decide, by the same code as the service.",
		Example: `  $ trimtab simulate metrics web-metrics.yaml     # what HPAs would get from a rule file
  $ trimtab simulate cluster --dump dump.yaml --groups groups.yaml     # which nodes would come and go, and why`,
	}
	cmd.AddCommand(simulateMetricsCommand(s), simulateClusterCommand(s))
	return cmd
}
