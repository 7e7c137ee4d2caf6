package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/programs"
)

const module = "github.com/trimtab/trimtab/"

// cores decide and know nothing of the world.
func cores() []string {
	return []string{
		"adapter/rules", "adapter/migrate", "adapter/merge",
		"scalers/replicas", "scalers/hpa", "scalers/spec", "scalers/status", "scalers/param",
		"vpa/histogram", "vpa/recommend",
		"clusterscaler/scheduling", "clusterscaler/plan", "clusterscaler/eni", "clusterscaler/group", "clusterscaler/fleet", "clusterscaler/migrate", "clusterscaler/status",
		"clusterscaler/externalgrpc/cloudconfig",
		"internal/verdict", "internal/migration", "internal/text",
	}
}

func parts() []string { return []string{"adapter", "scalers", "vpa", "clusterscaler"} }

// vocabulary is what a core may import besides the standard library and the cores of its own part: small
// libraries of values. Kubernetes API types are the domain's own words.
func vocabulary() []string {
	return []string{
		module + "internal/verdict", module + "internal/config", module + "internal/migration", module + "internal/text",
		"k8s.io/api/", "k8s.io/apimachinery/pkg/", "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/",
		"github.com/kedacore/keda/v2/apis/", "github.com/prometheus/common/model", "github.com/prometheus/prometheus/promql/parser",
		"github.com/prometheus/prometheus/model/labels", "k8s.io/component-helpers/", "k8s.io/metrics/pkg/apis/",
		"go.yaml.in/yaml/v3", // trees of values with their comments, in and out
	}
}

// world is the part of the standard library that a core must not import.
func world() []string {
	return []string{"context", "log", "log/slog", "net", "net/http", "os", "os/exec", "sync", "sync/atomic", "math/rand", "math/rand/v2", "database/sql", "syscall"}
}

// source is a parsed file that is not a test.
type source struct {
	pkg, name string // the folder below the root, and the file's name
	file      *ast.File
	lines     int
}

func sources(t *testing.T) []source {
	t.Helper()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	fset := token.NewFileSet()
	for _, top := range append(parts(), "cmd", "internal") {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, filepath.Dir(p))
			all = append(all, source{filepath.ToSlash(rel), filepath.Base(p), f, fset.Position(f.End()).Line})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 50 {
		t.Fatalf("only %d files were found; the test looks in the wrong place", len(all))
	}
	return all
}

func imports(s source) []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func partOf(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return s == strings.TrimSuffix(p, "/") || strings.HasPrefix(s, p) })
}

func isStandard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

func TestCoresKnowNothingOfTheWorld(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !slices.Contains(cores(), s.pkg) {
			continue
		}
		for _, p := range imports(s) {
			own := strings.TrimPrefix(p, module)
			switch {
			case isStandard(p):
				if slices.Contains(world(), p) {
					t.Errorf("%s/%s: a core imports %s", s.pkg, s.name, p)
				}
			case own != p && slices.Contains(cores(), own) && partOf(own) == partOf(s.pkg):
			case !hasPrefix(p, vocabulary()):
				t.Errorf("%s/%s: a core imports %s, which is neither a core of its part nor a library of values", s.pkg, s.name, p)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s/%s: a core starts a goroutine", s.pkg, s.name)
			}
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Now" {
				if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s/%s: a core reads the clock", s.pkg, s.name)
				}
			}
			return true
		})
	}
}

// cmd -> parts -> edges -> cores; parts never import each other.
func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, p := range imports(s) {
			own := strings.TrimPrefix(p, module)
			if own == p {
				continue
			}
			from, to := partOf(s.pkg), partOf(own)
			switch {
			case to == "cmd", to == "test":
				t.Errorf("%s/%s imports %s", s.pkg, s.name, own)
			case from == "internal" && to != "internal":
				t.Errorf("%s/%s: what all share imports the part %s", s.pkg, s.name, own)
			case from != "cmd" && from != "internal" && to != "internal" && from != to:
				t.Errorf("%s/%s: a part imports another: %s", s.pkg, s.name, own)
			case slices.Contains(parts(), s.pkg):
			case slices.Contains(parts(), own) && from != "cmd":
				t.Errorf("%s/%s: an edge or core imports its part's root", s.pkg, s.name)
			}
		}
	}
}

func TestEveryPackageTellsWhatItGuarantees(t *testing.T) {
	t.Parallel()
	docs, all := map[string]string{}, map[string]bool{}
	for _, s := range sources(t) {
		all[s.pkg] = true
		if s.name == "doc.go" && s.file.Doc != nil {
			docs[s.pkg] = s.file.Doc.Text()
		}
	}
	for pkg := range all {
		if len(docs[pkg]) < 120 {
			t.Errorf("%s: no doc.go, or one that says nearly nothing: %q", pkg, docs[pkg])
		}
	}
}

// The program names the part whose error it is, so a part does not do so again: "adapter: adapter: not ready".
func TestAPartDoesNotNameItselfInErrors(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !slices.Contains(parts(), s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && strings.HasPrefix(strings.ToLower(strings.Trim(text.Value, "`\"")), s.pkg+": ") {
				t.Errorf("%s/%s: %s", s.pkg, s.name, text.Value)
			}
			return true
		})
	}
}

// No state hides in a package: variables are errors or checks of an interface, and nothing runs at init.
func TestNoPackageVariables(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if strings.HasSuffix(s.name, ".pb.go") && generated(s.file) {
			continue // messages register themselves, as the library demands
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s/%s: func init", s.pkg, s.name)
			}
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					allowed := name.Name == "_" || strings.HasPrefix(strings.ToLower(name.Name), "err") ||
						s.pkg == "cmd/trimtab" && name.Name == "version" // set by the linker
					if !allowed && !isEmbed(g) {
						t.Errorf("%s/%s: package variable %s", s.pkg, s.name, name.Name)
					}
				}
			}
		}
	}
}

func isEmbed(g *ast.GenDecl) bool {
	return g.Doc != nil && slices.ContainsFunc(g.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") })
}

func TestOneFileOneIdea(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.lines > 400 && !generated(s.file) {
			t.Errorf("%s/%s has %d lines", s.pkg, s.name, s.lines)
		}
	}
}

func generated(f *ast.File) bool { return ast.IsGenerated(f) }

func TestTheTopLevelIsAsDesigned(t *testing.T) {
	t.Parallel()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	allowed := append(parts(), "cmd", "deploy", "test", "internal", "docs", "go.mod", "go.sum",
		"Dockerfile", "README.md", "LICENSE", "CHANGELOG.md", "Makefile")
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong to the top level", path.Join("/", e.Name()))
		}
	}
}
