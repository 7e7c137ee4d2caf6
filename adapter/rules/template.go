package rules

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/trimtab/trimtab/internal/config"
)

// maxRendered bounds what a template may make. A query names each object asked for, so it may be long; more than
// this is a template that runs away.
const maxRendered = 16 << 20

// templateArgs are the variables of metricsQuery.
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
	return &query{text: text, template: t, uses: usesOf(t)}
}

func (q *query) render(series string, m *matchers, groupBy []string) (string, error) {
	return render(q.template, templateArgs{
		Series:            series,
		LabelMatchers:     strings.Join(m.texts, ","),
		LabelValuesByName: m.values,
		GroupBy:           strings.Join(groupBy, ","),
		GroupBySlice:      groupBy,
	})
}

func parseTemplate(text string) (*template.Template, error) {
	return template.New("").Delims("<<", ">>").Parse(text)
}

func render(t *template.Template, args any) (string, error) {
	var b bounded
	if err := t.Execute(&b, args); err != nil {
		return "", err
	}
	return b.String(), nil
}

// bounded is a text that does not grow past maxRendered.
type bounded struct{ strings.Builder }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("it makes more than %d bytes", maxRendered)
	}
	return b.Builder.Write(p)
}
