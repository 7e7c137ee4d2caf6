package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/trimtab/trimtab/internal/config"
)

// uses is how a query's template uses its variables, found in its syntax tree.
type uses struct {
	// matchers: <<.LabelMatchers>> is written somewhere.
	matchers bool
	// series: .Series is written, or may be.
	series bool
	// values are the labels that the template names in .LabelValuesByName.
	values []string
	// freely says how requested values may be written in another way than as <<.LabelMatchers>>; empty where they
	// cannot.
	freely string
	// branches: the text depends on a condition or a loop.
	branches bool
	// unknown reports the first unknown variable; nil where all are known.
	unknown error

	known []string
}

// usesOf reads a template. known are its variables.
func usesOf(t *template.Template, known ...string) uses {
	u := uses{known: known}
	all := slices.SortedFunc(slices.Values(t.Templates()), func(a, b *template.Template) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, one := range all {
		if one.Tree != nil {
			u.list(one.Root, true)
		}
	}
	return u
}

// list walks nodes. root says that the dot has all the variables, as it does outside of with and range.
func (u *uses) list(l *parse.ListNode, root bool) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if isMatchers(n.Pipe, root) {
				u.matchers = true
			} else {
				u.pipe(n.Pipe, root)
			}
		case *parse.IfNode:
			u.branches = true
			// Whether there are matchers is the same for all values.
			if !isMatchers(n.Pipe, root) {
				u.pipe(n.Pipe, root)
			}
			u.list(n.List, root)
			u.list(n.ElseList, root)
		case *parse.WithNode:
			u.loop(&n.BranchNode, root)
		case *parse.RangeNode:
			u.loop(&n.BranchNode, root)
		case *parse.TemplateNode:
			u.pipe(n.Pipe, root)
		}
	}
}

func (u *uses) loop(n *parse.BranchNode, root bool) {
	u.branches = true
	u.pipe(n.Pipe, root)
	u.list(n.List, false)
	u.list(n.ElseList, root)
}

func (u *uses) pipe(p *parse.PipeNode, root bool) {
	if p == nil {
		return
	}
	for _, command := range p.Cmds {
		if function, ok := command.Args[0].(*parse.IdentifierNode); ok && function.Ident == "index" && len(command.Args) == 3 {
			if label, ok := command.Args[2].(*parse.StringNode); ok && slices.Equal(field(command.Args[1], root), []string{"LabelValuesByName"}) {
				u.values = append(u.values, label.Text)
			}
		}
		for _, arg := range command.Args {
			u.argument(arg, root)
		}
	}
}

func (u *uses) argument(n parse.Node, root bool) {
	switch n := n.(type) {
	case *parse.PipeNode:
		u.pipe(n, root)
		return
	case *parse.ChainNode:
		u.argument(n.Node, root)
		return
	}
	path := field(n, root)
	if len(path) > 0 && !u.knows(path) && u.unknown == nil {
		u.unknown = u.noVariable("." + strings.Join(path, "."))
	}
	switch {
	case path == nil:
	case len(path) == 0:
		u.freely, u.series = cmp.Or(u.freely, "hands all its variables on, as . or $"), true
	case path[0] == "Series":
		u.series = true
	case path[0] == "LabelMatchers":
		u.freely = cmp.Or(u.freely, "uses .LabelMatchers in another way than as <<.LabelMatchers>>")
	case path[0] == "LabelValuesByName":
		u.freely = cmp.Or(u.freely, "uses .LabelValuesByName")
		if len(path) > 1 {
			u.values = append(u.values, path[1])
		}
	}
}

// knows is true if the variable exists: a known one, or a value of LabelValuesByName.
func (u *uses) knows(path []string) bool {
	return slices.Contains(u.known, path[0]) && (len(path) == 1 || path[0] == "LabelValuesByName")
}

func (u *uses) noVariable(name string) error {
	known := make([]string, len(u.known))
	for i, k := range u.known {
		known[i] = "." + k
	}
	nearest := config.Suggest(name, known)
	if !strings.HasPrefix(nearest, "; did you mean") {
		nearest = "" // it is the list of the known ones
	}
	return fmt.Errorf("reads %s, but there is no such variable; there are %s%s", name, strings.Join(known, ", "), nearest)
}

// isMatchers is true if a pipeline is <<.LabelMatchers>> and nothing else.
func isMatchers(p *parse.PipeNode, root bool) bool {
	return len(p.Decl) == 0 && len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 1 &&
		slices.Equal(field(p.Cmds[0].Args[0], root), []string{"LabelMatchers"})
}

// field is the path from the variables' root to the variable of an expression. It is empty for the root itself, and nil
// where the expression names no variable.
func field(n parse.Node, root bool) []string {
	switch n := n.(type) {
	case *parse.DotNode:
		if root {
			return []string{}
		}
	case *parse.FieldNode:
		if root {
			return n.Ident
		}
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			return n.Ident[1:]
		}
	}
	return nil
}
