package migration

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// workloadKinds are the kinds that run a program.
func workloadKinds() []string { return []string{"Deployment", "DaemonSet", "StatefulSet", "Pod"} }

const (
	// maxWords bounds a command line. Real ones have fewer than a hundred words.
	maxWords = 10_000
	// maxStart bounds the bytes of a command line, and of the variables, about as Linux does.
	maxStart = 2 << 20
)

// candidate is a container that runs the program.
type candidate struct {
	workload  *object
	container *corev1.Container
}

func (c candidate) String() string {
	return c.workload.String() + ", container " + printable(c.container.Name)
}

// pod is the pod spec of a workload.
func (o *object) pod() *corev1.PodSpec {
	if o.Kind == "Pod" {
		return &o.Spec.PodSpec
	}
	return &o.Spec.Template.Spec
}

// madeByAnother is true if another object makes the pod, so that the other one is the workload. A static pod belongs to
// its node.
func (o *object) madeByAnother() bool {
	return o.Kind == "Pod" && len(o.OwnerReferences) > 0 && o.OwnerReferences[0].Kind != "Node"
}

func (m *manifests) candidates(p Program) []candidate {
	var found []candidate
	for i := range m.workloads {
		w := &m.workloads[i]
		if w.madeByAnother() {
			continue
		}
		for j := range w.pod().Containers {
			c := &w.pod().Containers[j]
			repository, _, _ := strings.Cut(c.Image, "@")
			image, _, _ := strings.Cut(path.Base(repository), ":")
			if p.Runs(image, slices.Concat(c.Command, c.Args)) {
				found = append(found, candidate{w, c})
			}
		}
	}
	return found
}

func (m *manifests) noCandidate(program string) error {
	kinds := maps.Clone(m.others)
	for _, o := range slices.Concat(m.workloads, m.configMaps) {
		kinds[o.Kind]++
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
	return fmt.Errorf("no container of %s in %s; give the Deployment (DaemonSet, StatefulSet, static Pod) that runs it, or its flags after --",
		program, strings.Join(counts, ", "))
}

// installation reads the command line of c.
func (m *manifests) installation(c candidate) (Installation, error) {
	command := c.container.Command
	if len(command) > 0 && slices.Contains([]string{"sh", "bash", "ash", "dash"}, path.Base(command[0])) {
		return Installation{}, fmt.Errorf("%s starts through a shell, %s, whose script is not read; give the flags after --", c, printable(command[0]))
	}
	env, err := c.environment()
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
	in.Files = func(file string) Origin { return m.origin(c, file) }
	return in, nil
}
