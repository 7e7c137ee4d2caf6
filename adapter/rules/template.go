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

const (
	// maxRendered bounds the output of a template. A query names each requested object, so it may be long.
	maxRendered = 16 << 20
	// maxSteps bounds how long a template may run. A query is some text, a few variables and a short loop.
	maxSteps = 100_000
)

// templateArgs are the variables of metricsQuery. GroupBy is written as PromQL. GroupBySlice and the keys of
// LabelValuesByName are plain label names.
type templateArgs struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	GroupBy           string
	GroupBySlice      []string
}

// query is a template that writes PromQL.
type query struct {
	text     string
	template *template.Template
	uses     uses
}

// compileQuery returns nil where the text is not a template, and adds that to the problems.
func compileQuery(text, path string, ps *config.Problems) *query {
	t, err := parseTemplate(text)
	if err != nil {
		ps.Add(path, "is not a template: %v", err)
		return nil
	}
	return &query{text: text, template: t, uses: usesOf(t, "Series", "LabelMatchers", "LabelValuesByName", "GroupBy", "GroupBySlice")}
}

func (q *query) render(series string, m *matchers, groupBy []string) (string, error) {
	quoted := make([]string, len(groupBy))
	for i, label := range groupBy {
		quoted[i] = labelName(label)
	}
	text, err := render(q.template, templateArgs{
		Series:            series,
		LabelMatchers:     strings.Join(m.texts, ","),
		LabelValuesByName: m.values,
		GroupBy:           strings.Join(quoted, ","),
		GroupBySlice:      groupBy,
	})
	if err != nil {
		err = cmp.Or(q.uses.unknown, err)
	}
	return text, err
}

// parseTemplate parses a template so that it cannot run for ever. It adds an empty text at the start of each list of
// nodes. The text is written each time the list is executed, so that the executions are counted.
func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("").Delims("<<", ">>").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			countSteps(one.Root)
		}
	}
	return t, nil
}

func countSteps(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		case *parse.WithNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		case *parse.RangeNode:
			countSteps(n.List)
			countSteps(n.ElseList)
		}
	}
	l.Nodes = slices.Insert(l.Nodes, 0, parse.Node(&parse.TextNode{NodeType: parse.NodeText}))
}

func render(t *template.Template, args any) (string, error) {
	var b bounded
	if err := t.Execute(&b, args); err != nil {
		return "", err
	}
	return b.String(), nil
}

// bounded is a text of at most maxRendered bytes in at most maxSteps pieces.
type bounded struct {
	strings.Builder
	steps int
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	b.steps++
	switch {
	case b.steps > maxSteps:
		return 0, fmt.Errorf("it takes more than %d steps", maxSteps)
	case b.Len()+len(p) > maxRendered:
		return 0, fmt.Errorf("it makes more than %d bytes", maxRendered)
	default:
		return b.Builder.Write(p)
	}
}
