package eni

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// The list must have each constant of codes.go once, with a sentence.
func TestCodesIsComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			literal, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s: not a literal", spec.Names[0].Name)
			}
			declared[strings.Trim(literal.Value, `"`)] = true
		}
		return true
	})
	listed := map[string]bool{}
	for _, doc := range Codes() {
		if listed[string(doc.Code)] || !declared[string(doc.Code)] {
			t.Errorf("%s is listed twice or not declared", doc.Code)
		}
		listed[string(doc.Code)] = true
		if doc.Meaning == "" || strings.HasSuffix(doc.Meaning, ".") {
			t.Errorf("%s: meaning %q, want a sentence without full stop", doc.Code, doc.Meaning)
		}
	}
	if len(listed) != len(declared) || len(declared) == 0 {
		t.Errorf("%d codes are listed, %d declared", len(listed), len(declared))
	}
}
