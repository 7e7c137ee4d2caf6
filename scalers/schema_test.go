package scalers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/scalers/param"
)

// kedaSchema is what KEDA publishes of its scalers, in the version of go.mod.
type kedaSchema struct {
	Scalers []struct {
		Type       string
		Parameters []schemaParam
	}
}

type schemaParam struct {
	Name         string
	Optional     bool
	Default      string
	AllowedValue []string
	ExclusiveSet []string
	// Separator and RangeSeparator are absent where a value has one item, or a comma between its items.
	Separator, RangeSeparator string
	Metadata                  bool `json:"metadataVariableReadable"`
	Env                       bool `json:"envVariableReadable"`
	Auth                      bool `json:"triggerAuthenticationVariableReadable"`
}

func (p schemaParam) origins() (out string) {
	for _, o := range []struct {
		is   bool
		name param.Origins
	}{{p.Metadata, param.Metadata}, {p.Env, param.Env}, {p.Auth, param.Auth}} {
		if o.is {
			out += string(o.name)
		}
	}
	return out
}

// publishedSchema reads it from the module, which holds it beside the API types.
func publishedSchema(t *testing.T) kedaSchema {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", "generated", "scalers-schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s kedaSchema
	if err := json.Unmarshal(data, &s); err != nil || len(s.Scalers) < 70 {
		t.Fatalf("%d types, %v", len(s.Scalers), err)
	}
	return s
}

// differences are where our tables differ from KEDA's schema, by type and key, and why.
func differences() map[string]string {
	const oauth = "authModes: oauth is refused, which alone reads it"
	const google = "KEDA reads it beside its tables, as several types do"
	out := map[string]string{
		"prometheus metricName more":                   "removed in KEDA 2.12; the schema has no removed keys",
		"prometheus cortexOrgID more":                  "removed in KEDA 2.15; the schema has no removed keys",
		"prometheus disableScaleToZero more":           "KEDA's first examples had it, and nothing read it",
		"prometheus Cert more":                         "the shared block of TLS takes the alias of the redis types for all",
		"prometheus credentialsFromEnv more":           google,
		"prometheus credentialsFromEnvFile more":       google,
		"prometheus GoogleApplicationCredentials more": google,
		"redis tls oneOf":                              "KEDA checks the values elsewhere",
	}
	for _, key := range []string{"authModes", "authMode"} {
		out["prometheus "+key+" oneOf"], out["prometheus "+key+" exclusive"] = "oauth is not supported", "oauth is not supported"
	}
	for _, key := range []string{"oauthTokenURI", "scopes", "scope", "clientID", "clientSecret", "endpointParams"} {
		out["prometheus "+key+" missing"] = oauth
	}
	return out
}

// Our tables have the keys of KEDA's schema, with its places, defaults and values, or a reason why not.
func TestTablesAreKEDAs(t *testing.T) {
	t.Parallel()
	published, known := publishedSchema(t), differences()
	used := map[string]bool{}
	differs := func(what, format string, args ...any) {
		t.Helper()
		if used[what] = true; known[what] == "" {
			t.Errorf("%s: "+format, append([]any{what}, args...)...)
		}
	}
	for name, table := range tables() {
		at := slices.IndexFunc(published.Scalers, func(s struct {
			Type       string
			Parameters []schemaParam
		}) bool {
			return s.Type == name
		})
		if at < 0 {
			t.Errorf("KEDA has no type %s", name)
			continue
		}
		theirs := map[string]schemaParam{}
		for _, p := range published.Scalers[at].Parameters {
			theirs[p.Name] = p
		}
		ours := map[string]bool{}
		for _, row := range table {
			for _, key := range append([]string{row.Name}, row.Aliases...) {
				ours[key] = true
				p, ok := theirs[key]
				if !ok {
					differs(name+" "+key+" more", "KEDA does not have it")
					continue
				}
				compareRow(name+" "+key, row, p, differs)
			}
		}
		for key := range theirs {
			if !ours[key] {
				differs(name+" "+key+" missing", "KEDA reads it, and no row has it")
			}
		}
	}
	for what := range known {
		if !used[what] {
			t.Errorf("%s: there is no such difference", what)
		}
	}
}

func compareRow(what string, row param.Param, p schemaParam, differs func(what, format string, args ...any)) {
	from := string(row.From)
	if from == "" {
		from = string(param.Metadata)
	}
	sorted := func(s string) string { return strings.Join(slices.Sorted(slices.Values(strings.Split(s, ""))), "") }
	if sorted(from) != sorted(p.origins()) {
		differs(what+" from", "ours %q, KEDA's %q", from, p.origins())
	}
	if row.To == nil {
		return
	}
	none := func(value string) string { return strings.TrimPrefix(strings.TrimPrefix(value, "false"), "0") }
	if none(row.Default) != none(p.Default) {
		differs(what+" default", "ours %q, KEDA's %q", row.Default, p.Default)
	}
	if row.Required && (p.Optional || p.Default != "") {
		differs(what+" optional", "ours is required, KEDA's is not")
	}
	if !row.Required && !p.Optional && p.Default == "" {
		differs(what+" optional", "ours is not required, KEDA's is")
	}
	if !slices.Equal(row.OneOf, p.AllowedValue) {
		differs(what+" oneOf", "ours %q, KEDA's %q", row.OneOf, p.AllowedValue)
	}
	if row.Separator != p.Separator || row.Ranges != p.RangeSeparator {
		differs(what+" separator", "ours %q and %q, KEDA's %q and %q", row.Separator, row.Ranges, p.Separator, p.RangeSeparator)
	}
	if !slices.Equal(row.Exclusive, p.ExclusiveSet) {
		differs(what+" exclusive", "ours %q, KEDA's %q", row.Exclusive, p.ExclusiveSet)
	}
}

// A row has what the page, the check and the secrets need.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	for name, table := range tables() {
		seen := map[string]bool{}
		for _, row := range table {
			for _, key := range append([]string{row.Name}, row.Aliases...) {
				if seen[key] || key == "" {
					t.Errorf("%s: %q stands twice, or is nothing", name, key)
				}
				seen[key] = true
			}
			sentence := row.About
			if row.To == nil {
				sentence = row.Ignored + row.Refused
			}
			if sentence == "" || strings.ContainsAny(sentence, "\n|") || strings.HasSuffix(sentence, ".") || (row.To == nil) != (row.Ignored+row.Refused != "") {
				t.Errorf("%s %s: %q is not one line of text, or it says of a key that is read that it is not", name, row.Name, sentence)
			}
			if _, open := row.To.(*bool); row.From == param.Auth && row.To != nil && !row.Secret && !open && row.OneOf == nil {
				t.Errorf("%s %s: comes from the authentication, and is not secret", name, row.Name)
			}
		}
	}
}
