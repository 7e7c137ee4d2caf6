package plan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// Every constant of type verdict.Code in the cores is documented, once.
func TestCodesAreComplete(t *testing.T) {
	var documented []string
	for _, d := range Codes() {
		if slices.Contains(documented, string(d.Code)) {
			t.Errorf("%s is documented twice", d.Code)
		}
		if d.Meaning == "" || strings.HasSuffix(d.Meaning, ".") {
			t.Errorf("%s: meaning %q must be a sentence without a full stop", d.Code, d.Meaning)
		}
		documented = append(documented, string(d.Code))
	}
	declared := 0
	look := func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			declared++
			if code := strings.Trim(literal.Value, `"`); !slices.Contains(documented, code) {
				t.Errorf("%s has no meaning in Codes", code)
			}
		}
		return true
	}
	for _, name := range []string{"codes.go", "../scheduling/misfit.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, look)
	}
	if declared < 40 {
		t.Errorf("found %d declared codes only", declared)
	}
}
