package recommend

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/verdict"
	"github.com/trimtab/trimtab/vpa/histogram"
)

const day = 24 * time.Hour

func start() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }

func aggregation() *Aggregation {
	return &Aggregation{
		CPU: histogram.CPU(), Memory: histogram.Memory(), CPUHalfLife: day, MemoryHalfLife: day,
		Interval: day, Intervals: 8, OOMBumpRatio: 1.2, OOMMinBump: 100 << 20,
	}
}

func settings() *Settings {
	p := Percentiles{Target: 0.9, Lower: 0.5, Upper: 0.95, ConfidenceInterval: day}
	return &Settings{CPU: p, Memory: p, MarginFraction: 0.15, PodMinCPUMilli: 25, PodMinMemoryMB: 250}
}

// TestScenarios plays testdata/scenarios.txt. Each block is a story and ends with what is recommended,
// on the lines that begin with ">". To take the present answers over as the right ones, to be reviewed
// as a diff, set TRIMTAB_REWRITE=1.
//
//	usage NAME from=0s for=24h cpu=100m memory=300Mi [pod=a] [every=1m]
//	oom NAME at=3h request=512Mi [pod=a]
//	policy NAME [mode=Off] [only=cpu] [min.cpu=1] [max.memory=1Gi]
//	settings [max.cpu=4] [round.cpu=10] [round.memory=65536]
//	annotate KEY=VALUE
//	previous NAME cpu=1 memory=1Gi
//	known NAME | gone NAME
//	recommend
func TestScenarios(t *testing.T) {
	const file = "testdata/scenarios.txt"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	run := newScenario()
	for number, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, ">"):
			continue // written anew below
		case strings.TrimSpace(line) == "":
			run = newScenario()
		case !strings.HasPrefix(line, "#"):
			out = append(out, line)
			answers, err := run.do(line)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, number+1, err)
			}
			for _, a := range answers {
				out = append(out, "> "+a)
			}
			continue
		}
		out = append(out, line)
	}
	got := strings.Join(out, "\n") + "\n"
	if os.Getenv("TRIMTAB_REWRITE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got != string(raw) {
		t.Errorf("the answers differ from %s:\n%s", file, firstDifference(string(raw), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""))
		}
	}
	return "more lines than before"
}

type scenario struct {
	agg       *Aggregation
	set       *Settings
	in        Input
	instances map[string]*Instance
}

func newScenario() *scenario {
	return &scenario{
		agg: aggregation(), set: settings(), instances: map[string]*Instance{},
		in: Input{Subject: verdict.On("vpa", "shop/web"), Containers: map[string]Container{}, Policy: &vpav1.PodResourcePolicy{}, Annotations: map[string]string{}},
	}
}

func (s *scenario) do(line string) (answers []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", line, r)
		}
	}()
	words := strings.Fields(line)
	args, name := map[string]string{"from": "0s", "every": "1m", "pod": "a"}, ""
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			args[key] = value
		} else {
			name = w
		}
	}
	switch words[0] {
	case "usage":
		s.usage(name, args)
	case "oom":
		u, instance := s.instance(name, args["pod"])
		instance.AddOOM(s.agg, u, bytes(args["request"]), start().Add(span(args["at"])))
	case "policy":
		s.in.Policy.ContainerPolicies = append(s.in.Policy.ContainerPolicies, policy(name, args))
	case "settings":
		s.set.MaxAllowed = list(args, "max.")
		s.set.RoundCPUMilli, s.set.RoundMemoryBytes = number(args["round.cpu"]), number(args["round.memory"])
		s.set.IntegerCPU = args["integerCPU"] == "true"
	case "annotate":
		s.in.Annotations = args
	case "previous":
		s.in.Previous = append(s.in.Previous, vpav1.RecommendedContainerResources{
			ContainerName: name, Target: list(args, ""), LowerBound: list(args, ""), UpperBound: list(args, ""), UncappedTarget: list(args, ""),
		})
	case "known":
		s.in.Containers[name] = Container{}
	case "gone":
		s.in.Containers[name] = Container{Usage: s.in.Containers[name].Usage, Gone: true}
	case "recommend":
		return s.recommend(), nil
	default:
		return nil, fmt.Errorf("unknown command %q", words[0])
	}
	return nil, nil
}

func (s *scenario) instance(name, pod string) (*Usage, *Instance) {
	if s.in.Containers[name].Usage == nil {
		s.in.Containers[name] = Container{Usage: s.agg.NewUsage()}
	}
	key := pod + "/" + name
	if s.instances[key] == nil {
		s.instances[key] = &Instance{}
	}
	return s.in.Containers[name].Usage, s.instances[key]
}

func (s *scenario) usage(name string, args map[string]string) {
	u, instance := s.instance(name, args["pod"])
	for at := time.Duration(0); at <= span(args["for"]); at += span(args["every"]) {
		when := start().Add(span(args["from"]) + at)
		if cpu, ok := args["cpu"]; ok {
			q := resource.MustParse(cpu)
			instance.AddCPU(u, q.MilliValue(), when)
		}
		if memory, ok := args["memory"]; ok {
			instance.AddMemory(s.agg, u, bytes(memory), when)
		}
	}
}

func (s *scenario) recommend() (lines []string) {
	out, verdicts := Recommend(s.set, s.in)
	for _, c := range out {
		lines = append(lines, fmt.Sprintf("%s: target %s, lower %s, upper %s, uncapped %s",
			c.ContainerName, show(c.Target), show(c.LowerBound), show(c.UpperBound), show(c.UncappedTarget)))
	}
	for _, v := range verdicts {
		lines = append(lines, v.String())
	}
	return lines
}

func show(l corev1.ResourceList) string {
	text := []string{"-", "-"}
	for i, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, ok := l[name]; ok {
			text[i] = q.String()
		}
	}
	return strings.Join(text, " ")
}

func policy(name string, args map[string]string) vpav1.ContainerResourcePolicy {
	p := vpav1.ContainerResourcePolicy{ContainerName: name, MinAllowed: list(args, "min."), MaxAllowed: list(args, "max.")}
	if mode, ok := args["mode"]; ok {
		m := vpav1.ContainerScalingMode(mode)
		p.Mode = &m
	}
	if only, ok := args["only"]; ok {
		p.ControlledResources = &[]corev1.ResourceName{corev1.ResourceName(only)}
	}
	return p
}

func list(args map[string]string, prefix string) corev1.ResourceList {
	var l corev1.ResourceList
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if text, ok := args[prefix+string(name)]; ok {
			if l == nil {
				l = corev1.ResourceList{}
			}
			l[name] = resource.MustParse(text)
		}
	}
	return l
}

func number(text string) int64 {
	if text == "" {
		return 1
	}
	return bytes(text)
}

func bytes(text string) int64 {
	q := resource.MustParse(text)
	return q.Value()
}

func span(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}
