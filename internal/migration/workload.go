package migration

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workloadKinds are the kinds that run a program, those that make pods before the pods.
func workloadKinds() []string { return []string{"Deployment", "DaemonSet", "StatefulSet", "Pod"} }

const (
	// maxWords bounds a command line; what programs of many flags are started with has less than a hundred.
	maxWords = 10_000
	// maxStart bounds the bytes of a command line, and of the variables, about as Linux does.
	maxStart = 2 << 20
)

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

// candidate is a container that may run the program.
type candidate struct {
	workload  *workload
	container *container
}

func (c candidate) String() string {
	return c.workload.String() + ", container " + printable(c.container.Name)
}

// likeness asks the program about the container.
func (c *container) likeness(p Program) Likeness {
	repository, _, _ := strings.Cut(c.Image, "@")
	image, _, _ := strings.Cut(path.Base(repository), ":")
	return p.Likeness(image, slices.Concat(c.Command, c.Args))
}

// candidates are the containers with the greatest likeness, of workloads rather than of single pods, and of
// the pods with one owner only the first.
func (m *manifests) candidates(p Program) []candidate {
	best := Unlike
	var found []candidate
	pods := true
	owners := map[string]bool{}
	for i := range m.workloads {
		w := &m.workloads[i]
		for j := range w.pod.Containers {
			c := &w.pod.Containers[j]
			like, isPod := c.likeness(p), w.Kind == "Pod"
			switch {
			case like == Unlike || like < best || like == best && isPod && !pods:
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

func (m *manifests) noCandidate(program string) error {
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
	return fmt.Errorf("no container of %s in %s; give the Deployment (DaemonSet, StatefulSet, Pod) that runs it, or its flags after --",
		program, strings.Join(counts, ", "))
}

// installation takes the command line of c apart.
func (m *manifests) installation(c candidate) (Installation, error) {
	command := c.container.Command
	if len(command) > 0 && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(command[0])) {
		return Installation{}, fmt.Errorf("%s starts through a shell, %s, whose script is not read; give the flags after --", c, printable(command[0]))
	}
	env, err := m.environment(c)
	if err != nil {
		return Installation{}, err
	}
	in := Installation{Name: c.workload.String(), Env: env}
	size := 0
	for i, word := range slices.Concat(command, c.container.Args) {
		if i == 0 && !strings.HasPrefix(word, "-") {
			continue // the program itself
		}
		a := expand(word, in.Env)
		if size += len(a.Text); len(in.args) == maxWords || size > maxStart {
			return Installation{}, fmt.Errorf("%s: its command line has more than %d words or %d bytes, too many for a program", c, maxWords, maxStart)
		}
		in.args = append(in.args, a)
	}
	in.Files = func(file string) Origin { return m.origin(c, in.Env, file) }
	return in, nil
}
