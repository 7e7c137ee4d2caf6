package migrate

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/clusterscaler/group"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
)

func isLabel(s string) bool { return len(validation.IsDNS1123Label(s)) == 0 }

// provider is written as it is, also where trimtab has no driver for it: such a configuration is refused, where without the
// setting kwok would make simulated nodes on a real cluster. Which one cluster-autoscaler takes without the flag depends on
// how it was built.
func provider(c *migration.Conversion, v migration.Value) error {
	c.Set(v, v.Setting, migration.Str(v.Last))
	switch v.Last {
	case kwok:
		if len(c.Given("nodes"))+len(c.Given("node-group-auto-discovery")) == 0 { // else these tell it
			c.Block(v.Flag, "is set to %s, whose node groups cluster-autoscaler makes of node templates, such as those of the ConfigMap kwok-provider-templates; trimtab does not read these: write clusterScaler.kwok.groups, each with its name, min, max and template", kwok)
		}
		return nil
	case externalGrpc:
		server(c, v)
		return nil
	}
	const missing = ": trimtab has no driver for it, and trimtab check and run refuse this configuration. On such a cloud trimtab needs a server of cluster-autoscaler's" +
		" external gRPC protocol: write provider: " + externalGrpc + " and its address. Else keep cluster-autoscaler; `trimtab simulate cluster` shows what trimtab would do"
	c.File.Above("clusterScaler", "trimtab has no driver for this provider and refuses it; "+externalGrpc+" needs a server for its cloud.")
	if v.Set {
		c.Block(v.Flag, "is set to %s"+missing, text.Quote(v.Last))
	} else {
		c.Block(v.Flag, "is not given, which is %s unless cluster-autoscaler was built for another cloud"+missing, v.Last)
	}
	return nil
}

// nodes writes what a flag says of each group, its name and its bounds. What a new node is like cluster-autoscaler
// asks the cloud.
func nodes(c *migration.Conversion, v migration.Value) error {
	if external(c) {
		notRead(c, v)
		return nil
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	var shown []string
	names := map[string]string{} // of groups so far, to how they are called in the cloud
	for _, a := range c.Given(v.Name) {
		g, ok := readSpec(a.Text)
		switch {
		case len(a.Unknown) > 0:
			c.Block(v.Flag, "%s; write this group in %s by hand", migration.WhyUnknown(a.Unknown), v.Setting)
			continue
		case !ok:
			c.Block(v.Flag, "%s is not MIN:MAX:NAME with whole numbers and 0 <= MIN <= MAX; cluster-autoscaler does not start with it", text.Quote(a.Text))
			continue
		}
		name, ok := ownName(c, v, g, names)
		if !ok {
			continue
		}
		names[name] = g.name
		shown = append(shown, fmt.Sprintf("%d:%d:%s", g.min, g.max, name))
		list.Content = append(list.Content, g.node(name, v.Spelling()+"="+a.Text))
	}
	if len(shown) == 0 {
		return nil
	}
	c.Set(v, v.Setting, migration.YAML{Node: list, Shown: strings.Join(shown, ",")})
	c.Block(v.Flag, "add to each group in clusterScaler.kwok.groups its template, what a new node of it is like: the cloud tells it to cluster-autoscaler, and no flag does")
	return nil
}

// ownName is trimtab's name of a group, unless another has it. A name that differs from the cloud's is noted.
func ownName(c *migration.Conversion, v migration.Value, g spec, names map[string]string) (name string, ok bool) {
	name = groupName(g.name)
	switch before, twice := names[name]; {
	case name == "":
		c.Block(v.Flag, "nothing of %s can be part of a node's name; write a group with another name by hand", text.Quote(g.name))
	case twice && before == g.name:
		c.Block(v.Flag, "%s is given twice; the first one counts", text.Quote(g.name))
	case twice:
		c.Block(v.Flag, "%s and %s would both be called %s; write one of them by hand", text.Quote(before), text.Quote(g.name), name)
	case name != g.name:
		c.Note(v.Flag, "%s cannot be part of a node's name; the group is called %s, on which the expressions of the expander priority match", text.Quote(g.name), name)
		return name, true
	default:
		return name, true
	}
	return "", false
}

// spec is a group as --nodes gives it.
type spec struct {
	min, max int64
	name     string
}

// readSpec reads MIN:MAX:NAME; the name of some clouds has colons itself.
func readSpec(text string) (spec, bool) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 || strings.TrimSpace(parts[2]) == "" {
		return spec{}, false
	}
	least, most, ok := minMax(parts[0] + ":" + parts[1])
	return spec{least, most, parts[2]}, ok && most <= 1<<31-1
}

// node is the group in the configuration.
func (s spec) node(name, comment string) *yaml.Node {
	const most = 120
	if quoted := strconv.Quote(comment); quoted != `"`+comment+`"` || len(comment) > most {
		comment = text.Quote(comment) // it must not end the line
	}
	first := migration.Str(name).Node
	first.LineComment = "# " + comment
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		migration.Str("name").Node, first,
		migration.Str("min").Node, migration.Plain(strconv.FormatInt(s.min, 10)).Node,
		migration.Str("max").Node, migration.Plain(strconv.FormatInt(s.max, 10)).Node,
	}}
}

// groupName makes a name that can be part of a node's name: the last part of a URL, in small letters and hyphens.
func groupName(name string) string {
	if isLabel(name) && len(name) <= group.MaxName {
		return name
	}
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, path.Base(name))
	letters = strings.TrimLeft(letters, "-")
	return strings.Trim(letters[:min(len(letters), group.MaxName)], "-")
}

// notRead tells that the groups are not the flags' to name.
func notRead(c *migration.Conversion, v migration.Value) {
	c.Note(v.Flag, "is not read with the provider %s, by neither program: the server names the groups", externalGrpc)
}

// discovery tells what to look for. Which groups there are only the cloud knows.
func discovery(c *migration.Conversion, v migration.Value) error {
	if external(c) {
		notRead(c, v)
		return nil
	}
	for _, one := range v.All {
		discoverer, rest, _ := strings.Cut(one, ":")
		how := "those that the cloud lists for it"
		switch discoverer {
		case "asg":
			how = "the Auto Scaling groups with the tags " + text.Quote(strings.TrimPrefix(rest, "tag="))
		case "mig":
			how = "the managed instance groups with " + text.Quote(rest)
		case "label":
			how = "the scale sets with " + text.Quote(rest)
		}
		c.Block(v.Flag, "is set to %s, which trimtab does not do yet. Write each group in clusterScaler.kwok.groups with its name, min, max and template: %s",
			text.Quote(one), how)
	}
	return nil
}
