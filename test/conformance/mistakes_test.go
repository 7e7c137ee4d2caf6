package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/trimtab/trimtab/test/lab"
)

// mistake is a rule file, and who refuses it: the original when it starts, trimtab when it checks.
type mistake struct {
	name           string
	rules          string
	original, ours bool
	// id is the deviation where these are not equal.
	id string
}

func mistakes() []mistake {
	const query = "metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'"
	const whole = "seriesQuery: up, resources: {template: '<<.Resource>>'}, " + query
	return []mistake{
		{name: "none", rules: "rules: [{" + whole + "}]"},
		{name: "no rules", rules: "rules: []"},
		{name: "unknown key", rules: "rules: [{" + whole + ", colour: red}]", original: true, ours: true},
		{name: "unknown section", rules: "rule: []", original: true, ours: true},
		{name: "key twice", rules: "rules: [{" + whole + ", seriesQuery: down}]", original: true, ours: true},
		{name: "filter without a pattern", rules: "rules: [{" + whole + ", seriesFilters: [{}]}]", original: true, ours: true},
		{name: "filter with two patterns", rules: "rules: [{" + whole + ", seriesFilters: [{is: a, isNot: b}]}]", original: true, ours: true},
		{name: "filter that is no pattern", rules: "rules: [{" + whole + ", seriesFilters: [{is: '('}]}]", original: true, ours: true},
		{name: "name that is no pattern", rules: "rules: [{" + whole + ", name: {matches: '('}}]", original: true, ours: true},
		{name: "two groups and no name", rules: "rules: [{" + whole + ", name: {matches: '(a)(b)'}}]", original: true, ours: true},
		{name: "label template without a resource", rules: "rules: [{seriesQuery: up, resources: {template: 'kube_<<.Group>>'}, " + query + "}]", original: true, ours: true},
		{name: "label template that is none", rules: "rules: [{seriesQuery: up, resources: {template: '<<.Resource'}, " + query + "}]", original: true, ours: true},
		{name: "query template that is none", rules: "rules: [{seriesQuery: up, metricsQuery: '<<.Series'}]", original: true, ours: true},
		{name: "external query template that is none", rules: "externalRules: [{seriesQuery: up, metricsQuery: '<<if>>'}]", original: true, ours: true},
		{name: "override of no kind", rules: "rules: [{seriesQuery: up, resources: {overrides: {x: {resource: gizmo}}}, " + query + "}]", original: true, id: "new-kinds"},
		{name: "no series query", rules: "rules: [{" + query + "}]", ours: true, id: "refused-at-start"},
		{name: "no query", rules: "rules: [{seriesQuery: up, resources: {template: '<<.Resource>>'}}]", ours: true, id: "refused-at-start"},
	}
}

// compareMistakes starts the original with each file, and lets trimtab check it.
func (s *scene) compareMistakes(ctx context.Context, t *testing.T) {
	for i, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			file := filepath.Join(s.lab.Dir, fmt.Sprintf("mistake-%d.yaml", i))
			if err := os.WriteFile(file, []byte(m.rules), 0o644); err != nil {
				t.Fatal(err)
			}
			if refused := s.originalRefuses(ctx, t, file); refused != m.original {
				t.Errorf("refused by the original: %t, want %t", refused, m.original)
			}
			said, err := exec.CommandContext(ctx, s.trimtab(), "check", file).CombinedOutput()
			if refused := err != nil; refused != m.ours {
				t.Errorf("refused by trimtab: %t, want %t: %s", refused, m.ours, said)
			}
			if m.id != "" {
				s.seen[m.id]++
			}
		})
	}
}

// originalRefuses is whether the program ends instead of becoming ready.
func (s *scene) originalRefuses(ctx context.Context, t *testing.T, file string) bool {
	t.Helper()
	side := newSide(t, s.lab, s.prometheus, "original")
	p, err := s.lab.Run("mistake-original", "prometheus-adapter", s.lab.Kubeconfig, originalArgs(s.lab.Kubeconfig, side, file, s.lab.Dir)...)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var ended bool
	err = lab.Poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		select {
		case <-p.Done():
			ended = true
			return nil
		default:
		}
		resp, err := side.http.Get(side.url + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("it neither ends nor becomes ready: %v\n%s", err, p.Tail(10))
	}
	return ended
}
