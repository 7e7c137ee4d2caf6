package recommend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

// sample is one event of a history: usage, or a kill for memory.
type sample struct {
	container, instance int
	at                  time.Time
	cpu, memory         int64
	oom                 bool
}

// history is a made-up life of a pod's containers; the same seed gives the same one.
func history(seed uint64) (containers int, samples []sample) {
	random := rand.New(rand.NewPCG(seed, 1_8_1))
	containers = 1 + random.IntN(3)
	at := start()
	for range 200 {
		at = at.Add(time.Duration(random.Int64N(int64(3 * time.Hour))))
		for c := range containers {
			for i := range 1 + int(seed)%3 {
				samples = append(samples, sample{
					container: c, instance: i,
					at:     at.Add(-time.Duration(random.Int64N(int64(4 * time.Hour)))), // some come out of order
					cpu:    int64(math.Exp(random.Float64() * 9)),
					memory: int64(math.Exp(10 + random.Float64()*14)),
					oom:    random.IntN(25) == 0,
				})
			}
		}
	}
	return containers, samples
}

// TestEqualsTheOriginal compares with testdata/original-1.8.1.txt, which holds what the original
// recommender, release 1.8.1, made of the same histories: recommendations as it writes them into the
// status, and the weights of its checkpoints.
func TestEqualsTheOriginal(t *testing.T) {
	raw, err := os.ReadFile("testdata/original-1.8.1.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for seed := range uint64(30) {
		agg, in := aggregation(), Input{Subject: verdict.On("vpa", "a/b"), Containers: map[string]Container{}}
		containers, samples := history(seed)
		for c := range containers {
			in.Containers[fmt.Sprintf("c%d", c)] = Container{Usage: agg.NewUsage()}
		}
		instances := map[[2]int]*Instance{}
		for _, s := range samples {
			u, key := in.Containers[fmt.Sprintf("c%d", s.container)].Usage, [2]int{s.container, s.instance}
			if instances[key] == nil {
				instances[key] = &Instance{}
			}
			instances[key].AddCPU(u, s.cpu, s.at)
			instances[key].AddMemory(agg, u, s.memory, s.at)
			if s.oom {
				instances[key].AddOOM(agg, u, s.memory, s.at)
			}
		}
		out, _ := Recommend(settings(), in)
		for _, r := range out {
			saved, _ := agg.Save(in.Containers[r.ContainerName].Usage, nil, start())
			lines = append(lines, golden(seed, r, saved))
		}
	}
	if got := strings.Join(lines, "\n") + "\n"; got != string(raw) {
		t.Error(firstDifference(string(raw), got))
	}
}

func golden(seed uint64, r vpav1.RecommendedContainerResources, c vpav1.VerticalPodAutoscalerCheckpointStatus) string {
	return fmt.Sprintf("%d %s: target %s, lower %s, upper %s, uncapped %s; %d samples, cpu %v %v, memory %v %v",
		seed, r.ContainerName, show(r.Target), show(r.LowerBound), show(r.UpperBound), show(r.UncappedTarget),
		c.TotalSamplesCount, c.CPUHistogram.TotalWeight, c.CPUHistogram.BucketWeights, c.MemoryHistogram.TotalWeight, c.MemoryHistogram.BucketWeights)
}
