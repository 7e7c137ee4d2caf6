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
	// maxRendered bounds what a template may make. A query names each object asked for, so it may be long; more
	// than this is a template that runs away.
	maxRendered = 16 << 20
	// maxSteps bounds how long a template may run; a query is some text, a few variables and a short loop.
	maxSteps = 100_000
)

// templateArgs are the variables of metricsQuery. GroupBy is written as PromQL; GroupBySlice has the labels' plain names,
// as the keys of LabelValuesByName are.
type templateArgs struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	GroupBy           string
	GroupBySlice      []string
}

// query is a template that makes PromQL.
type query struct {
	text     string
	template *template.Template
	uses     uses
}

// compileQuery returns nil where the text is not a template, which is then among the problems.
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

// parseTemplate parses a template that cannot run for ever: at the beginning of each of its lists of nodes stands an
// empty text, which is written as often as the list is executed and so counted.
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

// bounded is a text that does not grow past maxRendered, by maxSteps pieces at most.
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
