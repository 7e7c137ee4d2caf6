package migrate

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
)

// ruleKeys are the outermost keys of a rule file; the section adapter has the same.
func ruleKeys() []string { return []string{"rules", "externalRules", "resourceRules"} }

// rules puts the rule file into the section adapter, or names it there.
func (c *conversion) rules(v value) error {
	switch {
	case v.last == "":
		c.block(v.Flag, "is not given; prometheus-adapter does not start without it")
		return nil
	case c.in.files == nil:
		c.rulesFile(v, v.last, "the rule file")
		return nil
	}
	o := c.in.files(v.last)
	switch {
	case o.missing != nil && c.options.RulesFile == "":
		return fmt.Errorf("%s %s: %w", v.spelling(), shown(v.last), o.missing)
	case o.known && c.options.RulesFile == "":
		return c.inline(v, o)
	case o.from != "":
		c.rulesFile(v, v.last, "the file of "+o.from)
	default:
		c.rulesFile(v, v.last, "the rule file, which is in no volume of prometheus-adapter's pod,")
	}
	return nil
}

func (c *conversion) rulesFile(v value, file, what string) {
	if c.options.RulesFile != "" {
		file = c.options.RulesFile
	}
	c.set(v, "adapter.rulesFile", str(file))
	c.note(v.Flag, "mount %s as %s in trimtab's pod", what, shown(file))
}

// inline copies the rules as they are written.
func (c *conversion) inline(v value, o origin) error {
	root, err := ruleFile(o.from, o.text)
	if err != nil {
		return err
	}
	if root == nil || len(root.Content) == 0 {
		c.note(v.Flag, "%s has no rules; prometheus-adapter serves nothing with it", o.from)
		return nil
	}
	section := c.file.mapping([]string{"adapter"})
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, content := root.Content[i], root.Content[i+1]
		if i == 0 {
			key.HeadComment = "# " + v.spelling() + ": " + o.from + strings.TrimRight("\n"+firstComment(o.text)+"\n"+key.HeadComment, "\n")
		}
		section.Content = append(section.Content, key, content)
		c.result.Settings = append(c.result.Settings, Setting{Flag: v.spelling(), Setting: "adapter." + key.Value})
	}
	return nil
}

// firstComment is what stands above a rule file, divided from it by an empty line.
func firstComment(content string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(content), &doc); err != nil {
		return ""
	}
	return doc.HeadComment
}

// ruleFile parses a rule file, and looks no further than at its outermost keys.
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
			return nil, fmt.Errorf("%s:%d: %s is no key of a rule file; known are %s", name, key.Line, shown(key.Value), strings.Join(ruleKeys(), ", "))
		case seen[key.Value]:
			return nil, fmt.Errorf("%s:%d: %s stands twice", name, key.Line, key.Value)
		default:
			seen[key.Value] = true
		}
	}
	return root, nil
}
