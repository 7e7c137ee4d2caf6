package migrate_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	clusterconfig "github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/externalgrpc"
	"github.com/trimtab/trimtab/clusterscaler/migrate"
	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/migration/migrationtest"
)

// sectionOf converts the flags, and decodes the section clusterScaler as trimtab does.
func sectionOf(t *testing.T, args []string) (clusterconfig.Config, error) {
	t.Helper()
	p := migrate.Program()
	return section(t, p, p.FromFlags(args))
}

func section(t *testing.T, p migration.Program, in migration.Installation) (clusterconfig.Config, error) {
	t.Helper()
	result := migrationtest.Convert(t, p, in)
	var file struct {
		ClusterScaler yaml.Node `yaml:"clusterScaler"`
	}
	if err := yaml.Unmarshal([]byte(result.Configuration), &file); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(&file.ClusterScaler)
	if err != nil {
		t.Fatal(err)
	}
	var c clusterconfig.Config
	c.SetDefaults()
	return c, config.Decode("f", text, &c)
}

// cluster-autoscaler's defaults are trimtab's: all of them together change nothing.
func TestDefaultsAgree(t *testing.T) {
	t.Parallel()
	args := []string{"--cloud-provider=kwok"}
	for _, f := range migrate.Program().Flags {
		if strings.HasPrefix(f.Setting, "clusterScaler.") && f.Default != "" && f.Name != "cloud-provider" {
			args = append(args, "--"+f.Name+"="+f.Default)
		}
	}
	got, err := sectionOf(t, args)
	if err != nil {
		t.Fatal(err)
	}
	var want clusterconfig.Config
	want.SetDefaults()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every key of the section comes from a flag, and every flag's key is one of the section: the decoder is strict.
func TestKeysAgree(t *testing.T) {
	t.Parallel()
	args := []string{"--cloud-provider=kwok", "--expander=price", "--namespace=other", "--status-config-map-name=other", "--cores-total=1:2", "--memory-total=1:2", "--gpu-total=t4:1:2", "--scale-down-utilization-threshold=0.7",
		"--drain-priority-config=0:60", "--startup-taint=a", "--startup-taint-prefix=a", "--status-taint=a"}
	settings := map[string]bool{"gpuLabel": true, "headroom": true} // what cluster-autoscaler has no flag for
	ours := maps.Clone(settings)
	for _, f := range migrate.Program().Flags {
		section, key, _ := strings.Cut(f.Setting, ".")
		if section != "clusterScaler" {
			continue
		}
		key, _, _ = strings.Cut(key, ".")
		settings[key] = true
		if some := migrationtest.Some(f); !strings.Contains(some, "/") && f.Name != "scale-down-utilization-threshold" {
			args = append(args, "--"+f.Name+"="+some)
		}
	}
	got, err := sectionOf(t, append(args, "--balancing-label=a", "--balancing-ignore-label=b", "--grpc-expander-url=e:1", "--grpc-expander-cert=c"))
	if err != nil {
		t.Fatal(err)
	}
	var defaults clusterconfig.Config
	defaults.SetDefaults()
	for i := range reflect.TypeFor[clusterconfig.Config]().NumField() {
		key := reflect.TypeFor[clusterconfig.Config]().Field(i).Tag.Get("yaml")
		if !settings[key] {
			t.Errorf("no flag becomes %s", key)
		}
		same := reflect.DeepEqual(reflect.ValueOf(got).Field(i).Interface(), reflect.ValueOf(defaults).Field(i).Interface())
		if key != "provider" && key != "kwok" && key != "externalGrpc" && !ours[key] && same {
			t.Errorf("%s keeps its default, whatever the flag says", key)
		}
	}
}

// A group from a flag is refused until it has a template.
func TestGroupsNeedATemplate(t *testing.T) {
	t.Parallel()
	_, err := sectionOf(t, []string{"--cloud-provider=kwok", "--nodes=1:10:workers"})
	if err == nil || !strings.HasPrefix(err.Error(), "f: kwok.groups[0].template.capacity.cpu: is required") {
		t.Errorf("%v", err)
	}
}

// A provider that trimtab has no driver for is refused, by migrate and by what reads the section: simulated nodes are not
// what an installation on a cloud asks for.
func TestACloudWithoutADriverIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--cloud-provider=aws"}, {"--cloud_provider=azure"}, {"--cloud-provider=clusterapi", "--scan-interval=30s"}, {"--cloud-provider="}, {"--cloud-provider=$(CLOUD)"}, {},
	} {
		p := migrate.Program()
		in := p.FromFlags(args)
		if _, err := section(t, p, in); err == nil || !strings.HasPrefix(err.Error(), `f:1: provider: trimtab has no driver for "`) && !strings.HasPrefix(err.Error(), `f: provider: trimtab has no driver for "`) {
			t.Errorf("%q: the section says %v", args, err)
		}
		if result, err := p.Convert(in); err != nil || !result.Blocked() {
			t.Errorf("%q: %v, nothing is said to be missing: %+v", args, err, result.Notes)
		}
	}
}

// manifest is a Deployment of cluster-autoscaler with externalgrpc, and the ConfigMap with its file.
func manifest(t *testing.T, file string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"kind": "List", "items": []any{
		map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "ca"}, "spec": map[string]any{"template": map[string]any{"spec": map[string]any{
			"containers": []any{map[string]any{
				"name": "ca", "image": "cluster-autoscaler", "args": []string{"--cloud-provider=externalgrpc", "--cloud-config=/etc/grpc/cloud-config"},
				"volumeMounts": []any{map[string]any{"name": "c", "mountPath": "/etc/grpc"}},
			}},
			"volumes": []any{map[string]any{"name": "c", "configMap": map[string]any{"name": "c"}}},
		}}}},
		map[string]any{"kind": "ConfigMap", "metadata": map[string]any{"name": "c"}, "data": map[string]any{"cloud-config": file}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The settings of the file of --cloud-config become those of the section.
func TestCloudConfigBecomesTheSection(t *testing.T) {
	t.Parallel()
	p := migrate.Program()
	in, err := p.FromManifests([]migration.Source{{Name: "m", Data: manifest(t, "{address: 'h:1', key: tls.key, cert: /c, cacert: ../ca, grpc_timeout: 9s}")}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := section(t, p, in)
	want := externalgrpc.Config{Address: "h:1", Key: "/etc/grpc/tls.key", Cert: "/c", CACert: "/etc/ca", Timeout: config.Duration(9 * time.Second)}
	if err != nil || got.Provider != "externalgrpc" || got.ExternalGrpc == nil || *got.ExternalGrpc != want {
		t.Errorf("%+v, %v, want %+v", got.ExternalGrpc, err, want)
	}
}

// FuzzCloudConfig: whatever stands in the file, the section accepts what is written of it, or it is told.
func FuzzCloudConfig(f *testing.F) {
	f.Add("address: h:1\ngrpc_timeout: 20s\n")
	f.Add("{address: 'h:1', key: k, cert: c, cacert: 'a b', timeout: 1}")
	f.Add("address: |\n  h\n  :1 # x\n")
	f.Fuzz(func(t *testing.T, file string) {
		p := migrate.Program()
		in, err := p.FromManifests([]migration.Source{{Name: "m", Data: manifest(t, file)}})
		if err != nil {
			return
		}
		result := migrationtest.Convert(t, p, in)
		if _, err := section(t, p, in); err != nil && !result.Blocked() {
			t.Errorf("%q: %v\n%s", file, err, result.Configuration)
		}
	})
}

// FuzzAccepted: whatever the flags are, the section accepts what is written, but for groups and for the provider.
func FuzzAccepted(f *testing.F) {
	f.Add("scan-interval", "-5s")
	f.Add("expander", "grpc,priority,")
	f.Add("memory-total", "4294967296:4294967297")
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.HasPrefix(name, "nodes") || strings.HasPrefix(strings.ReplaceAll(name, "_", "-"), "cloud-provider") {
			return
		}
		if _, err := sectionOf(t, []string{"--cloud-provider=kwok", "--" + name + "=" + value}); err != nil {
			t.Errorf("--%s=%s: %v", name, value, err)
		}
	})
}
