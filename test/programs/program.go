package programs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Program is one Go module of this folder and the commands built of it.
type Program struct {
	// Name is the folder of the module's go.mod, and the name in progress lines.
	Name string
	// Commands maps the name of each binary to its package.
	Commands map[string]string
	// Flags of go build.
	Flags []string
	// Files are copied beside the binaries: each is made of files of a module, one behind the other.
	Files map[string][]string
	// FilesModule is where Files come from.
	FilesModule string
}

const (
	kubernetesVersion = "v1.37.0"
	versionPackage    = "k8s.io/component-base/version"
)

// All lists what the lab needs, in the order of building: small ones first, so that mistakes show early.
func All() []Program {
	strip := []string{"-ldflags", "-s -w"}
	return []Program{
		{Name: "etcd", Commands: map[string]string{"etcd": "go.etcd.io/etcd/server/v3"}, Flags: strip},
		{
			Name: "kwok", Commands: map[string]string{"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, Flags: strip,
			FilesModule: "sigs.k8s.io/kwok",
			Files: map[string][]string{"stages.yaml": {
				"kustomize/stage/node/fast/node-initialize.yaml",
				"kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
				"kustomize/stage/pod/fast/pod-ready.yaml",
				"kustomize/stage/pod/fast/pod-complete.yaml",
				"kustomize/stage/pod/fast/pod-delete.yaml",
			}},
		},
		// The original that the adapter takes the place of: conformance and benchmarks ask both.
		{Name: "prometheus-adapter", Commands: map[string]string{"prometheus-adapter": "sigs.k8s.io/prometheus-adapter/cmd/adapter"}, Flags: strip},
		{
			// Service discovery is left out: the lab names its targets.
			Name: "prometheus", Commands: map[string]string{"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
			Flags: append([]string{"-tags", "remove_all_sd"}, strip...),
		},
		{
			Name: "kubernetes",
			Commands: map[string]string{
				"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
				"kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
				"kube-scheduler":          "k8s.io/kubernetes/cmd/kube-scheduler",
				"kubectl":                 "k8s.io/kubernetes/cmd/kubectl",
			},
			Flags: []string{"-ldflags", fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=1 -X %[1]s.gitMinor=37",
				versionPackage, kubernetesVersion)},
		},
	}
}

// Peers lists what `make bench BENCH=cluster ARGS=--peers` measures beside trimtab. They take long to build, and
// nothing else needs them. prometheus-adapter, the third of them, is in All.
func Peers() []Program {
	strip := []string{"-ldflags", "-s -w"}
	const vpa = "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/"
	const keda = "github.com/kedacore/keda/v2"
	return []Program{
		{Name: "vpa", Flags: strip, Commands: map[string]string{
			"vpa-recommender": vpa + "recommender", "vpa-updater": vpa + "updater", "vpa-admission-controller": vpa + "admission-controller",
		}},
		{
			Name: "keda", Flags: strip, Commands: map[string]string{"keda-operator": keda + "/cmd/operator", "keda-adapter": keda + "/cmd/adapter"},
			// The CRDs that trimtab has no use for, without which the operator does not start.
			FilesModule: keda,
			Files: map[string][]string{"keda-crds.yaml": {
				"config/crd/bases/keda.sh_scaledjobs.yaml",
				"config/crd/bases/keda.sh_clustertriggerauthentications.yaml",
				"config/crd/bases/eventing.keda.sh_cloudeventsources.yaml",
				"config/crd/bases/eventing.keda.sh_clustercloudeventsources.yaml",
			}},
		},
	}
}

// Lint lists what `make lint` needs.
func Lint() []Program {
	return []Program{{Name: "lint", Commands: map[string]string{"staticcheck": "honnef.co/go/tools/cmd/staticcheck"}}}
}

// Source is the folder that holds the modules: the one of this file, which is part of the checkout.
func Source() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return "", errors.New("the checkout cannot be found: build without -trimpath")
	}
	return filepath.Dir(file), nil
}

// Checkout is the root of the repository.
func Checkout() (string, error) {
	source, err := Source()
	if err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(source)), nil
}

// CacheDir is the one ignored folder of the checkout in which all is kept that its commands make.
func CacheDir() (string, error) {
	root, err := Checkout()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".cache"), nil
}

// Dir is the folder that keeps the programs: $TRIMTAB_PROGRAMS, else one in the checkout's CacheDir.
func Dir() (string, error) {
	if dir := os.Getenv("TRIMTAB_PROGRAMS"); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := CacheDir()
	return filepath.Join(cache, "programs"), err
}

// folder names the place of this version of p: its name and a digest of all that makes it.
func (p Program) folder(source, dir string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH, p.Flags, p.Files)
	for _, name := range []string{"go.mod", "go.sum"} {
		f, err := os.Open(filepath.Join(source, p.Name, name))
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, p.Name+"-"+hex.EncodeToString(h.Sum(nil))[:12]), nil
}

// Path is where the binary or file of that name is, built or not.
func Path(name string) (string, error) {
	source, err := Source()
	if err != nil {
		return "", err
	}
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	for _, p := range slices.Concat(All(), Peers(), Lint()) {
		_, isCommand := p.Commands[name]
		_, isFile := p.Files[name]
		if isCommand || isFile {
			folder, err := p.folder(source, dir)
			return filepath.Join(folder, name), err
		}
	}
	return "", fmt.Errorf("no program brings %s", name)
}

// copyFiles makes p's Files in folder.
func (p Program) copyFiles(source, folder string) error {
	if len(p.Files) == 0 {
		return nil
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", p.FilesModule)
	cmd.Dir = filepath.Join(source, p.Name)
	module, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find the module %s: %w", p.FilesModule, err)
	}
	for name, parts := range p.Files {
		var text strings.Builder
		for _, part := range parts {
			raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), part))
			if err != nil {
				return err
			}
			text.Write(raw)
			text.WriteString("\n---\n")
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
