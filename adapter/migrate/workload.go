package migrate

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workloadKinds are the kinds that run prometheus-adapter, those that make pods before the pods.
func workloadKinds() []string { return []string{"Deployment", "DaemonSet", "StatefulSet", "Pod"} }

// workload is an object with containers.
type workload struct {
	meta
	pod podSpec
}

type podSpec struct {
	Containers         []container `yaml:"containers"`
	Volumes            []volume    `yaml:"volumes"`
	ServiceAccountName string      `yaml:"serviceAccountName"`
}

type container struct {
	Name         string        `yaml:"name"`
	Image        string        `yaml:"image"`
	Command      []string      `yaml:"command"`
	Args         []string      `yaml:"args"`
	Env          []envVar      `yaml:"env"`
	EnvFrom      []envFrom     `yaml:"envFrom"`
	VolumeMounts []volumeMount `yaml:"volumeMounts"`
}

type volumeMount struct {
	Name        string `yaml:"name"`
	MountPath   string `yaml:"mountPath"`
	SubPath     string `yaml:"subPath"`
	SubPathExpr string `yaml:"subPathExpr"`
}

func (r reader) workload(n *yaml.Node, m meta) (workload, error) {
	if m.Kind == "Pod" {
		var object struct {
			Spec podSpec `yaml:"spec"`
		}
		err := r.decode(n, &object)
		return workload{m, object.Spec}, err
	}
	var object struct {
		Spec struct {
			Template struct {
				Spec podSpec `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	err := r.decode(n, &object)
	return workload{m, object.Spec.Template.Spec}, err
}

// candidate is a container that may be prometheus-adapter.
type candidate struct {
	workload  *workload
	container *container
}

func (c candidate) String() string {
	return c.workload.String() + ", container " + printable(c.container.Name)
}

// likeness is how sure it is that a container is prometheus-adapter.
type likeness int

const (
	unlike   likeness = iota
	possible          // its program is called adapter, as that of others is
	certain           // by its image, its program or a flag that nothing else has
)

func (c *container) likeness() likeness {
	words := slices.Concat(c.Command, c.Args)
	repository, _, _ := strings.Cut(c.Image, "@")
	// Old images were called k8s-prometheus-adapter-amd64.
	image := path.Base(repository)
	if image, _, _ = strings.Cut(image, ":"); strings.Contains(image, "prometheus-adapter") {
		return certain
	}
	for _, w := range words {
		if w == "--prometheus-url" || strings.HasPrefix(w, "--prometheus-url=") || strings.HasPrefix(w, "--metrics-relist-interval") {
			return certain
		}
	}
	if len(words) > 0 {
		switch path.Base(words[0]) {
		case "prometheus-adapter":
			return certain
		case "adapter":
			return possible
		}
	}
	return unlike
}

// FromManifests finds prometheus-adapter among the objects of the sources: the one container that is
// certainly or, where none is, possibly it.
func FromManifests(sources []Source) (Installation, error) {
	m, err := readManifests(sources)
	if err != nil {
		return Installation{}, err
	}
	found := m.candidates()
	switch len(found) {
	case 0:
		return Installation{}, m.noCandidate()
	case 1:
		return m.installation(found[0])
	}
	var names []string
	for _, c := range found {
		names = append(names, c.String())
	}
	return Installation{}, fmt.Errorf("several containers may be prometheus-adapter: %s; give the manifest of one of them", strings.Join(names, "; "))
}

// candidates are the containers with the greatest likeness, of workloads rather than of single pods, and of
// the pods with one owner only the first.
func (m *manifests) candidates() []candidate {
	best := unlike
	var found []candidate
	pods := true
	owners := map[string]bool{}
	for i := range m.workloads {
		w := &m.workloads[i]
		for j := range w.pod.Containers {
			c := &w.pod.Containers[j]
			like, isPod := c.likeness(), w.Kind == "Pod"
			switch {
			case like == unlike || like < best || like == best && isPod && !pods:
				continue
			case like > best || pods && !isPod:
				best, pods, found = like, isPod, nil
				clear(owners)
			}
			if key, owned := w.owner(c); isPod && owned {
				if owners[key] {
					continue
				}
				owners[key] = true
			}
			found = append(found, candidate{w, c})
		}
	}
	return found
}

// owner names the container of what made a pod.
func (w *workload) owner(c *container) (key string, owned bool) {
	if len(w.Metadata.OwnerReferences) == 0 {
		return "", false
	}
	o := w.Metadata.OwnerReferences[0]
	return strings.Join([]string{w.Metadata.Namespace, o.Kind, o.Name, c.Name}, "/"), true
}

func (m *manifests) noCandidate() error {
	kinds := maps.Clone(m.others)
	for _, w := range m.workloads {
		kinds[w.Kind]++
	}
	if len(m.configMaps) > 0 {
		kinds["ConfigMap"] = len(m.configMaps)
	}
	if len(kinds) == 0 {
		return errors.New("the manifests hold no object; give what `kubectl get deploy,cm -n NAMESPACE -o yaml` prints")
	}
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		counts = append(counts, fmt.Sprintf("%d %s", kinds[kind], printable(kind)))
	}
	const most = 12
	if len(counts) > most {
		counts = append(counts[:most], "…")
	}
	return fmt.Errorf("no container of prometheus-adapter in %s; give the Deployment (DaemonSet, StatefulSet, Pod) that runs it, or its flags after --",
		strings.Join(counts, ", "))
}

// installation takes the command line of c apart.
func (m *manifests) installation(c candidate) (Installation, error) {
	command := c.container.Command
	if len(command) > 0 && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(command[0])) {
		return Installation{}, fmt.Errorf("%s starts through a shell, %s, whose script is not read; give the flags after --", c, printable(command[0]))
	}
	in := Installation{Name: c.workload.String(), env: m.environment(c)}
	for i, word := range slices.Concat(command, c.container.Args) {
		if i == 0 && !strings.HasPrefix(word, "-") {
			continue // the program itself
		}
		in.args = append(in.args, expand(word, in.env))
	}
	in.files = func(file string) origin { return m.origin(c, in.env, file) }
	return in, nil
}
