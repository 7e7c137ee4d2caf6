package migrate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/adapter/rules"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

// ruleKeys are the top-level keys of a rule file. The section adapter has the same keys.
func ruleKeys() []string { return []string{"rules", "externalRules", "resourceRules"} }

// rules copies the rule file into the section adapter, or names it there.
func (o Options) rules(c *migration.Conversion, v migration.Value) error {
	switch {
	case v.Last == "":
		c.Block(v.Flag, "is not given; prometheus-adapter does not start without it")
		return nil
	case c.In.Files == nil:
		o.file(c, v, "the rule file")
		return nil
	}
	at := c.In.Files(v.Last)
	switch {
	case at.Missing != nil && o.RulesFile == "":
		return fmt.Errorf("%s %s: %w", v.Spelling(), text.Quote(v.Last), at.Missing)
	case at.Known && o.RulesFile == "":
		return inline(c, v, at)
	case at.From != "":
		o.file(c, v, "the file of "+at.From)
	default:
		o.file(c, v, "the rule file, which is in no volume of prometheus-adapter's pod,")
	}
	return nil
}

// file names the rule file, and says what to mount there.
func (o Options) file(c *migration.Conversion, v migration.Value, what string) {
	file := v.Last
	if o.RulesFile != "" {
		file = o.RulesFile
	}
	c.Set(v, "adapter.rulesFile", migration.Str(file))
	c.Note(v.Flag, "mount %s as %s in trimtab's pod", what, text.Quote(file))
}

// inline copies the rules as they are written, and says what trimtab refuses in them.
func inline(c *migration.Conversion, v migration.Value, at migration.Origin) error {
	root, err := ruleFile(at.From, at.Text)
	if err != nil {
		return err
	}
	var file rules.File
	refused, _ := errors.AsType[config.Problems](config.Decode(at.From, []byte(at.Text), &file))
	refused.Locate(config.Document{Line: 1, Data: []byte(at.Text)})
	for _, p := range refused {
		c.Block(v.Flag, "%v", p)
	}
	if len(refused) == 0 && file.Empty() {
		c.Block(v.Flag, "%s has no rules: prometheus-adapter serves nothing with it, and trimtab refuses a section adapter that serves nothing; write a rule", at.From)
	}
	if root == nil {
		return nil
	}
	section := c.File.Mapping("adapter")
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, content := root.Content[i], root.Content[i+1]
		if i == 0 {
			key.HeadComment = "# " + v.Spelling() + ": " + at.From + strings.TrimRight("\n"+firstComment(at.Text)+"\n"+key.HeadComment, "\n")
		}
		writeMerges(content)
		section.Content = append(section.Content, key, content)
		c.Remember(v, "adapter."+key.Value, "")
	}
	return nil
}

// writeMerges writes merge keys below n as <<. The YAML library would write !!merge <<.
func writeMerges(n *yaml.Node) {
	if n.Value == "<<" && n.Tag == "!!merge" {
		n.Tag = ""
	}
	for _, child := range n.Content {
		writeMerges(child)
	}
}

// firstComment is the comment at the top of a rule file, up to an empty line.
func firstComment(content string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(content), &doc); err != nil {
		return ""
	}
	return doc.HeadComment
}

// ruleFile parses a rule file, and reads only its top-level keys.
func ruleFile(name, content string) (*yaml.Node, error) {
	root, err := config.Document{Line: 1, Data: []byte(content)}.Root(name)
	if err != nil || root == nil || root.ShortTag() == "!!null" {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: a rule file is a mapping with rules, externalRules or resourceRules", name, root.Line)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch key := root.Content[i]; {
		case !slices.Contains(ruleKeys(), key.Value):
			return nil, fmt.Errorf("%s:%d: %s is no key of a rule file; known are %s", name, key.Line, text.Quote(key.Value), strings.Join(ruleKeys(), ", "))
		case seen[key.Value]:
			return nil, fmt.Errorf("%s:%d: %s stands twice", name, key.Line, key.Value)
		default:
			seen[key.Value] = true
		}
	}
	return root, nil
}
