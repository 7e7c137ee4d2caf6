package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// Every constant of codes.go must be documented once, and nothing else.
func TestEveryCodeIsDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok {
				code, _ := strconv.Unquote(lit.Value)
				declared[code]++
			}
		}
		return true
	})
	for _, doc := range Codes() {
		if declared[string(doc.Code)] != 1 || doc.Meaning == "" {
			t.Errorf("%s is documented, and declared %d times", doc.Code, declared[string(doc.Code)])
		}
		delete(declared, string(doc.Code))
	}
	for code := range declared {
		t.Errorf("%s is not documented", code)
	}
}
