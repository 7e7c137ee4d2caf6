package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trimtab/trimtab/internal/config"
)

// Groups of commands in the help.
const (
	groupService   = "service"
	groupDecisions = "decisions"
	groupOthers    = "others"
)

// newRoot is the whole command line. *ran becomes true as soon as a command runs. From then on an error is not wrong
// usage.
func newRoot(s stdio, ran *bool) *cobra.Command {
	root := &cobra.Command{
		Use:           "trimtab",
		Short:         "trimtab scales pods out and in, sizes them, scales the nodes under them, and says why.",
		Args:          cobra.ArbitraryArgs,
		Version:       currentVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddGroup(&cobra.Group{ID: groupService, Title: "The service:"}, &cobra.Group{ID: groupDecisions, Title: "What it decides, and why:"},
		&cobra.Group{ID: groupOthers, Title: "Others:"})
	root.AddCommand(runCommand(s), checkCommand(s), migrateCommand(s),
		explainCommand(s), simulateCommand(s), snapshotCommand(s), replayCommand(s),
		maxpodsCommand(s), versionCommand(s))
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate(versionLine())
	// The name of a group of commands runs nothing.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	root.SetHelpCommandGroupID(groupOthers)
	root.SetCompletionCommandGroupID(groupOthers)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	watch(root, ran)
	return root
}

// plainUsage takes the quotes off the names of values: the help leaves them out, and completion shows them.
func plainUsage(c *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	c.Flags().VisitAll(plain)
	c.PersistentFlags().VisitAll(plain)
	for _, sub := range c.Commands() {
		plainUsage(sub)
	}
}

// watch lets *ran tell that a command runs. A word that needs another one behind it is a mistake when it stands alone.
func watch(c *cobra.Command, ran *bool) {
	for _, sub := range c.Commands() {
		watch(sub, ran)
	}
	run := c.RunE
	switch {
	case c.HasSubCommands():
		c.RunE = func(c *cobra.Command, _ []string) error {
			if !c.HasParent() {
				c.SetOut(c.ErrOrStderr())
				_ = c.Help()
			}
			return fmt.Errorf("name a command: %s", strings.Join(namesBelow(c), ", "))
		}
	case run != nil:
		c.RunE = func(c *cobra.Command, args []string) error {
			*ran = true
			return run(c, args)
		}
	}
}

// misnamed finds an argument that is used as a command, and the command that has no subcommand of this name.
func misnamed(root *cobra.Command, args []string) (*cobra.Command, error) {
	c, rest, err := root.Find(args)
	if err == nil && c.Name() == "help" {
		c, rest, err = root.Find(rest)
	}
	if err != nil || !c.HasSubCommands() {
		return c, err
	}
	_ = c.ParseFlags(rest) // errors in flags are reported later
	word := c.Flags().Arg(0)
	if word == "" || strings.HasPrefix(word, cobra.ShellCompRequestCmd) {
		return c, nil
	}
	known := "known: " + strings.Join(namesBelow(c), ", ")
	c.SuggestionsMinimumDistance = max(1, min(2, len(word)/3)) // of short words others are near that mean something else
	if near := c.SuggestionsFor(word); len(near) > 0 {
		nearest := slices.MinFunc(near, func(a, b string) int { return config.Distance(a, word) - config.Distance(b, word) })
		if nearest == word { // no command is looked for behind --
			return c, fmt.Errorf("leave out the -- before %q", word)
		}
		known = fmt.Sprintf("did you mean %q?", nearest)
	}
	return c, fmt.Errorf("unknown command %.80q; %s", word, known)
}

func namesBelow(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// flagError suggests the flag that was probably meant.
func flagError(c *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if number, ok := errors.AsType[*strconv.NumError](err); ok {
			return fmt.Errorf("--%s: %.80q: %w", invalid.GetFlag().Name, number.Num, number.Err)
		}
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, invalid.Unwrap())
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || len(unknown.GetSpecifiedName()) < 2 {
		return err
	}
	var near []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && config.Distance(f.Name, unknown.GetSpecifiedName()) <= 2 {
			near = append(near, "--"+f.Name)
		}
	})
	if len(near) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
}

// withTwoDashes writes the long flags of a command line as cobra reads them. Before trimtab used it, one dash did as well
// (-config), and two before a letter (--o). Manifests that have them go on working, with a warning. There is one too where
// a flag stands twice of which the last counts.
func withTwoDashes(root *cobra.Command, args []string, s stdio) []string {
	cmd, _, err := root.Find(args)
	if err == nil && cmd.HasSubCommands() { // a flag of the command may be before it
		long := slices.Clone(args)
		for i, arg := range long {
			if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' {
				long[i] = "-" + arg
			}
		}
		cmd, _, err = root.Find(long)
	}
	if err != nil {
		return args
	}
	cmd.InitDefaultHelpFlag()
	cmd.InheritedFlags() // are among its flags from now on
	mended, seen := make([]string, 0, len(args)), map[*pflag.Flag]bool{}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(mended, args[i:]...)
		}
		word := strings.TrimLeft(arg, "-")
		name, _, hasValue := strings.Cut(word, "=")
		flag := cmd.Flags().Lookup(name)
		if len(name) == 1 {
			flag = cmd.Flags().ShorthandLookup(name)
		}
		if dashes := len(arg) - len(word); dashes > 0 && flag != nil {
			right := "--"[:min(len(name), 2)]
			if dashes < 3 && dashes != len(right) {
				fmt.Fprintf(s.err, "%s: warning: %s is read as %s; write it so\n", cmd.CommandPath(), arg[:dashes]+name, right+name)
				arg = right + word
			}
			if _, many := flag.Value.(pflag.SliceValue); seen[flag] && !many && flag.NoOptDefVal == "" {
				fmt.Fprintf(s.err, "%s: warning: --%s stands twice; the last one counts\n", cmd.CommandPath(), flag.Name)
			}
			seen[flag] = true
			if flag.NoOptDefVal == "" && !hasValue && i+1 < len(args) {
				i++ // skip the value, whatever it looks like
				mended = append(mended, arg)
				arg = args[i]
			}
		}
		mended = append(mended, arg)
	}
	return mended
}

// outputFormat is the format of the output, text or json.
type outputFormat string

func (o *outputFormat) String() string { return string(*o) }

func (o *outputFormat) Type() string { return "format" }

func (o *outputFormat) Set(v string) error {
	if v != "text" && v != "json" {
		return fmt.Errorf("%.80q is neither text nor json", v)
	}
	*o = outputFormat(v)
	return nil
}

// outputFlag defines --output.
func outputFlag(c *cobra.Command) *outputFormat {
	o := outputFormat("text")
	c.PersistentFlags().VarP(&o, "output", "o", "`format` of the answer: text or json")
	completesWith(c, "output", "text", "json")
	return &o
}

// completesWith sets the completions of a flag's value.
func completesWith(c *cobra.Command, flag string, values ...string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// completesYAML makes flags complete YAML or JSON files.
func completesYAML(c *cobra.Command, flags ...string) {
	for _, flag := range flags {
		must(c.MarkFlagFilename(flag, "yaml", "yml", "json"))
	}
}

// must is for errors in the definition of a flag, which every test finds.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// yamlFiles completes YAML or JSON files as arguments.
func yamlFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

// noArguments refuses arguments.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("it takes no argument, not %.80q", args[0])
	}
	return nil
}

// answered is the error of writing an answer.
func answered(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write the answer: %w", err)
}

// encodeReadable writes JSON without escaping PromQL.
func encodeReadable(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
