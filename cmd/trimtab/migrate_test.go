package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	adaptermigrate "github.com/trimtab/trimtab/adapter/migrate"
	clustermigrate "github.com/trimtab/trimtab/clusterscaler/migrate"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
)

// Runs each "$ trimtab migrate" line of testdata/migrate.txt and compares all that it prints with the lines
// below it; lines with ## are for the reader. -update rewrites the file; read the diff.
func TestMigrateTranscript(t *testing.T) {
	const path = "testdata/migrate.txt"
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		switch {
		case strings.HasPrefix(line, "$ trimtab migrate"):
			got.WriteString(line + transcript(t, strings.Fields(line)[2:]...) + "\n")
		case strings.HasPrefix(line, "## "):
			got.WriteString(line)
		}
	}
	golden(t, path, got.String())
	if strings.Contains(got.String(), "hunter2") {
		t.Error("a password is printed")
	}
}

// What migrate prints is a configuration.
func TestMigratedConfigurationIsChecked(t *testing.T) {
	everything := []string{"--", "--config=rules.yaml"}
	for _, f := range prometheusAdapter().Flags {
		if f.Setting != "" && f.Default != "" {
			everything = append(everything, "--"+f.Name+"="+f.Default)
		}
	}
	for name, args := range map[string][]string{
		"helm":            {"--manifest", "testdata/migrate/helm.yaml"},
		"kube-prometheus": {"--manifest", "testdata/migrate/kube-prometheus.yaml"},
		"secured":         {"--manifest", "testdata/migrate/secured.yaml"},
		"powershell":      {"--manifest", "testdata/migrate/powershell.yaml"},
		"merge":           {"--manifest", "testdata/migrate/merge.yaml"},
		"everything": append(everything, "--prometheus-header=X-Scope-OrgID=a", "--prometheus-auth-incluster", "--prometheus-client-tls-cert-file=c",
			"--prometheus-client-tls-key-file=k", "--metrics-max-age=20m", "--lister-kubeconfig=k", "--tls-cert-file=c", "--tls-private-key-file=k",
			"--tls-min-version=VersionTLS12", "--tls-cipher-suites=TLS_AES_128_GCM_SHA256", "--disable-http2", "-v=6"),
	} {
		migrated := runTrimtab(t, "", append([]string{"migrate", "prometheus-adapter"}, args...)...)
		withRules := strings.Replace(migrated.out, "rulesFile: rules.yaml", "rulesFile: testdata/check/good-rules.yaml", 1)
		checked := runTrimtab(t, withRules, "check", "-")
		for line := range strings.Lines(checked.err) {
			t.Errorf("%s: check says %s", name, line)
		}
		if migrated.out == "" {
			t.Errorf("%s: %+v", name, migrated)
		}
	}
}

// What migrate prints of cluster-autoscaler is a configuration once each group has a template, and a provider that trimtab
// has a driver for. To simulate it needs no provider.
func TestMigratedNodeGroupsAreChecked(t *testing.T) {
	migrated := runTrimtab(t, "", "migrate", "cluster-autoscaler", "--manifest", "testdata/migrate/cluster-autoscaler.yaml")
	checked := runTrimtab(t, migrated.out, "check", "-")
	if checked.code != exitWrong || strings.Count(checked.err, "template.capacity") != 4 || strings.Count(checked.err, "\n") != 5 {
		t.Errorf("without templates: %+v", checked)
	}
	complete := regexp.MustCompile(`(?m)^        max: .*$`).ReplaceAllString(migrated.out, "$0\n        template: {instanceType: m5.large}")
	checked = runTrimtab(t, complete, "check", "-")
	if want := "trimtab: standard input:6: clusterScaler.provider: trimtab has no driver for \"aws\"; "; checked.code != exitWrong || !strings.HasPrefix(checked.err, want) || strings.Count(checked.err, "\n") != 1 {
		t.Errorf("with templates: %+v\n%s", checked, complete)
	}
	simulated := runTrimtab(t, complete, "simulate", "cluster", "--dump", "testdata/cluster/shop.yaml", "--groups", "testdata/cluster/shop.groups.yaml", "--config", "-")
	if simulated.code != exitDone || simulated.out == "" {
		t.Errorf("simulated: %+v", simulated)
	}
	if checked = runTrimtab(t, strings.Replace(complete, "provider: aws", "provider: kwok", 1), "check", "-"); checked.code != exitDone {
		t.Errorf("with a provider: %+v", checked)
	}
}

// migrate names a port other than that of the manifests in deploy/, also where it is prometheus-adapter's default.
func TestMigratedPortIsThatOfTheManifests(t *testing.T) {
	deployment, err := os.ReadFile("../../deploy/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	port := regexp.MustCompile(`name: metrics-api, containerPort: (\d+)`).FindStringSubmatch(string(deployment))
	if port == nil {
		t.Fatal("deploy/deployment.yaml names no port for the metrics APIs")
	}
	for given, told := range map[string]bool{"": true, "--secure-port=443": true, "--secure-port=8443": true, "--secure-port=" + port[1]: false} {
		got := runTrimtab(t, "", append([]string{"migrate", "prometheus-adapter", "--", "--config=rules.yaml"}, strings.Fields(given)...)...)
		if note := "--secure-port: "; strings.Contains(got.err, note) != told || told && !strings.Contains(got.err, "name "+port[1]) {
			t.Errorf("%q: %s", given, got.err)
		}
	}
}

// The names of cipher suites are Go's, which is what trimtab's server knows.
func TestMigratedCipherSuitesAreKnown(t *testing.T) {
	var known []string
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known = append(known, suite.Name)
	}
	migrated := runTrimtab(t, "", "migrate", "prometheus-adapter", "--manifest", "testdata/migrate/kube-prometheus.yaml")
	var configuration struct {
		Adapter struct {
			TLSCipherSuites []string `yaml:"tlsCipherSuites"`
		}
	}
	if err := yaml.Unmarshal([]byte(migrated.out), &configuration); err != nil || len(configuration.Adapter.TLSCipherSuites) == 0 {
		t.Fatalf("%v: %+v", err, configuration)
	}
	for _, name := range configuration.Adapter.TLSCipherSuites {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not known", name)
		}
	}
}

// JSON has the same configuration and the same notes as the text.
func TestMigrateJSON(t *testing.T) {
	for _, file := range []string{"helm.yaml", "secured.yaml"} {
		args := []string{"migrate", "prometheus-adapter", "--manifest", "testdata/migrate/" + file}
		text, got := runTrimtab(t, "", args...), runTrimtab(t, "", append(args, "-o", "json")...)
		var answer struct {
			Configuration string
			Settings      []struct{ Flag, Setting, Value string }
			Notes         []struct {
				Flag, Message, Page string
				Blocking            *bool
			}
		}
		decoder := json.NewDecoder(strings.NewReader(got.out))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&answer); err != nil || got.err != "" || got.code != text.code || strings.Count(got.out, "\n") != 1 {
			t.Fatalf("%s: %v, exit %d, %q", file, err, got.code, got.err)
		}
		if answer.Configuration != text.out || len(answer.Settings) == 0 || answer.Notes == nil || strings.Count(text.err, "\n") != len(answer.Notes) {
			t.Errorf("%s: JSON differs from the text:\n%s\n%s%s", file, got.out, text.out, text.err)
		}
		for _, n := range answer.Notes {
			if n.Blocking == nil || !strings.Contains(text.err, "trimtab: "+n.Flag+": ") || !strings.Contains(text.err, n.Message+"; see "+n.Page+"\n") {
				t.Errorf("%s: not in the text: %+v", file, n)
			}
		}
	}
}

func TestMigrateStandardInput(t *testing.T) {
	data, err := os.ReadFile("testdata/migrate/helm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := runTrimtab(t, "", "migrate", "prometheus-adapter", "--manifest", "testdata/migrate/helm.yaml")
	if got := runTrimtab(t, string(data), "migrate", "--manifest", "-", "prometheus-adapter"); got != file || got.code != exitDone || got.err != "" {
		t.Errorf("%+v, not %+v", got, file)
	}
	objects := config.Documents(data)
	halves := append([]byte("kind: List\nitems: []\n---\n"), objects[0].Data...)
	path := t.TempDir() + "/configmap.yaml"
	if err := os.WriteFile(path, halves, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runTrimtab(t, string(objects[2].Data), "migrate", "prometheus-adapter", "--manifest", path, "--manifest", "-"); got != file {
		t.Errorf("from two sources: %+v, not %+v", got, file)
	}
}

func TestMigrateWrongUsage(t *testing.T) {
	for line, want := range map[string]string{
		"migrate":                    ": name a command: cluster-autoscaler, prometheus-adapter",
		"migrate keda":               `: unknown command "keda"; known: cluster-autoscaler, prometheus-adapter`,
		"migrate keda -- -v":         `: unknown command "keda"; known: cluster-autoscaler, prometheus-adapter`,
		"migrate prometheus-adapter": " prometheus-adapter: give either --manifest FILE or the flags of prometheus-adapter after --",
		"migrate prometheus-adapter --manifest a -- -v":                     " prometheus-adapter: give either --manifest FILE or the flags of prometheus-adapter after --",
		"migrate prometheus-adapter a.yaml":                                 ` prometheus-adapter: unexpected argument "a.yaml"; manifests are given by --manifest FILE, flags of prometheus-adapter after --`,
		"migrate prometheus-adapter a.yaml -- -v":                           ` prometheus-adapter: unexpected argument "a.yaml"; manifests are given by --manifest FILE, flags of prometheus-adapter after --`,
		"migrate prometheus-adapter --manifest":                             " prometheus-adapter: flag needs an argument: --manifest",
		"migrate prometheus-adapter --prometheus-url=x":                     " prometheus-adapter: unknown flag: --prometheus-url; flags of prometheus-adapter stand after --",
		"migrate prometheus-adapter -o yaml -- -v=1":                        ` prometheus-adapter: --output: "yaml" is neither text nor json`,
		"migrate cluster-autoscaler":                                        " cluster-autoscaler: give either --manifest FILE or the flags of cluster-autoscaler after --",
		"migrate cluster-autoscaler --rules-file r -- -v=1":                 " cluster-autoscaler: unknown flag: --rules-file; flags of cluster-autoscaler stand after --",
		"migrate prometheus-adapter --manifest - --manifest a --manifest -": " prometheus-adapter: standard input (-) can be read only once",
	} {
		got := runTrimtab(t, "", strings.Fields(line)...)
		command, _, _ := strings.Cut(want, ":")
		if want = "trimtab migrate" + want + "; `trimtab migrate" + command + " --help` shows how\n"; got != (trimtab{exitUsage, "", want}) {
			t.Errorf("trimtab %s: %+v, want %s", line, got, want)
		}
	}
}

func TestMigrateReportsAFailedWrite(t *testing.T) {
	for _, output := range []string{"text", "json"} {
		var errs strings.Builder
		args := []string{"migrate", "prometheus-adapter", "-o", output, "--manifest", "testdata/migrate/helm.yaml"}
		if code := dispatch(t.Context(), args, stdio{out: brokenWriter{os.ErrClosed}, err: &errs}); code != exitWrong || !strings.Contains(errs.String(), "write the answer") {
			t.Errorf("%s: exit %d, %q", output, code, errs.String())
		}
	}
}

// The page of each program has the table of flags, a part under each heading; -update rewrites it.
func TestMigrationPages(t *testing.T) {
	anchors := map[string][]string{
		"prometheus-adapter": {"deviations", "d-post", "d-relist", "d-max-age"},
		"cluster-autoscaler": {"deviations", "write the groups", "d-cordon"},
	}
	for _, p := range []migration.Program{prometheusAdapter(), clustermigrate.Program()} {
		path := "../../" + p.Page
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(data)
		for _, g := range append(p.Groups(), migration.Other) {
			heading := "\n### " + string(g) + "\n\n"
			if strings.Count(page, heading) != 1 {
				t.Fatalf("%s has not one heading %q, to which notes point", path, strings.TrimSpace(heading))
			}
			if g == migration.Other {
				continue
			}
			before, behind, _ := strings.Cut(page, heading)
			_, rest, _ := strings.Cut(behind, "\n\n")
			page = before + heading + flagRows(p, g) + "\n" + rest
		}
		golden(t, path, page)
		for _, anchor := range anchors[p.Name] {
			if !strings.Contains(page, `<a id="`+anchor+`"></a>`) && !strings.Contains(strings.ToLower(page), "\n## "+anchor+"\n") {
				t.Errorf("%s lacks the anchor %s, to which the tables or the configuration point", path, anchor)
			}
		}
	}
}

func prometheusAdapter() migration.Program { return adaptermigrate.Program(adaptermigrate.Options{}) }

func flagRows(p migration.Program, g migration.Group) string {
	var rows strings.Builder
	rows.WriteString("| Flag | Default | Becomes | Remark |\n|---|---|---|---|\n")
	for _, f := range p.Flags {
		if f.Group != g {
			continue
		}
		name, preset := "`--"+f.Name+"`", ""
		if f.Name == "v" {
			name = "`-v`, `--v`"
		}
		if f.Known != "" {
			name += " (" + f.Known + ")"
		}
		if f.Default != "" {
			preset = "`" + f.Default + "`"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", name, preset, f.Becomes(), f.Remark)
	}
	return rows.String()
}
