package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	adaptermigrate "github.com/trimtab/trimtab/adapter/migrate"
	clustermigrate "github.com/trimtab/trimtab/clusterscaler/migrate"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

func migrateCommand(s stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", GroupID: groupService,
		Short: "Print the configuration that does what an installation of another program does",
		Long: `Prints the configuration that does what an installation of another program does, with a comment at each setting
that says which flag it came from. It reads the manifests of that installation, or its flags. What has no counterpart,
or behaves differently, is told on standard error, a line each; exit 1 if something was set that trimtab cannot do.
Passwords and tokens are not copied: the configuration names files.`,
		Example: `  $ kubectl get deploy,cm -n monitoring -o yaml > installed.yaml
  $ trimtab migrate prometheus-adapter --manifest installed.yaml > trimtab.yaml
  $ kubectl get deploy -n kube-system cluster-autoscaler -o yaml | trimtab migrate cluster-autoscaler --manifest - > trimtab.yaml`,
	}
	var rules adaptermigrate.Options
	adapter := migrateFrom(s, func() migration.Program { return adaptermigrate.Program(rules) },
		`  $ trimtab migrate prometheus-adapter --manifest installed.yaml > trimtab.yaml
  $ trimtab migrate prometheus-adapter -- --prometheus-url=http://prometheus:9090 --config=/etc/adapter/config.yaml`)
	adapter.Flags().StringVar(&rules.RulesFile, "rules-file", "", "`path` of the rule file in trimtab's pod; without it the rules stand in the configuration")
	cmd.AddCommand(adapter, migrateFrom(s, clustermigrate.Program,
		`  $ trimtab migrate cluster-autoscaler --manifest installed.yaml > trimtab.yaml
  $ trimtab migrate cluster-autoscaler -- --cloud-provider=aws --nodes=1:10:workers`))
	return cmd
}

// migrateFrom is the command for one program. It calls program when the flags have been read.
func migrateFrom(s stdio, program func() migration.Program, example string) *cobra.Command {
	name := program().Name
	cmd := &cobra.Command{
		Use:               name + " --manifest FILE... | -- FLAGS...",
		Short:             "What an installation of " + name + " becomes",
		Long:              "Prints the configuration that does what an installation of " + name + " does, from its manifests or its flags.",
		Example:           example,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if _, unknown := errors.AsType[*pflag.NotExistError](err); unknown {
			return fmt.Errorf("%w; flags of %s stand after --", flagError(c, err), name)
		}
		return flagError(c, err)
	})
	output := outputFlag(cmd)
	files := cmd.Flags().StringArrayP("manifest", "f", nil, "`file` of manifests, - for standard input; may be repeated")
	completesYAML(cmd, "manifest")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dash := cmd.ArgsLenAtDash()
		switch {
		case dash > 0 || dash < 0 && len(args) > 0:
			return wrongUsage("unexpected argument %.80q; manifests are given by --manifest FILE, flags of %s after --", args[0], name)
		case dash == 0 == (len(*files) > 0):
			return wrongUsage("give either --manifest FILE or the flags of %s after --", name)
		case readTwice(*files):
			return errReadTwice
		}
		return migrate(program(), *files, args, *output, s)
	}
	return cmd
}

// migrated is the JSON answer.
type migrated struct {
	Configuration string              `json:"configuration"`
	Settings      []migration.Setting `json:"settings"`
	Notes         []migration.Note    `json:"notes"`
}

func migrate(p migration.Program, files, flags []string, output outputFormat, s stdio) error {
	installed, err := installation(p, files, flags, s)
	if err != nil {
		return err
	}
	result, err := p.Convert(installed)
	if err != nil {
		return err
	}
	if err := writeMigration(result, output, s); err != nil {
		return answered(err)
	}
	if result.Blocked() {
		return errReported
	}
	return nil
}

func installation(p migration.Program, files, flags []string, s stdio) (migration.Installation, error) {
	if len(files) == 0 {
		return p.FromFlags(flags), nil
	}
	var sources []migration.Source
	for _, file := range files {
		name, data, err := readInput(file, s)
		if err != nil {
			return migration.Installation{}, fmt.Errorf("%s: %w", name, err)
		}
		sources = append(sources, migration.Source{Name: name, Data: data})
	}
	return p.FromManifests(sources)
}

func writeMigration(r migration.Result, output outputFormat, s stdio) error {
	if output == "json" {
		return json.NewEncoder(s.out).Encode(migrated{r.Configuration, append([]migration.Setting{}, r.Settings...), append([]migration.Note{}, r.Notes...)})
	}
	for _, n := range r.Notes {
		what := ""
		if n.Blocking {
			what = "cannot be taken over: "
		}
		fmt.Fprintf(s.err, "trimtab: %s: %s; see %s\n", text.Squeezed(n.Flag), text.Squeezed(what+n.Message), n.Page)
	}
	_, err := fmt.Fprint(s.out, r.Configuration)
	return err
}
