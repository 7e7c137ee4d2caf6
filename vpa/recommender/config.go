package recommender

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/vpa/histogram"
	"github.com/trimtab/trimtab/vpa/recommend"
)

// minSpan and maxSpan bound the half-lives and intervals of histograms, and the rounds.
const (
	minSpan = config.Duration(time.Second)
	maxSpan = config.Duration(366 * 24 * time.Hour)
)

// Config is the section `vpa.recommender`. Each field mirrors the flag of vpa-recommender of the same name, unless
// its comment says otherwise.
type Config struct {
	// RecommenderName is this recommender's name in spec.recommenders. Objects without a name have "default". Default
	// "default".
	RecommenderName string `yaml:"recommenderName"`
	// RecommenderInterval is the time between two rounds. Default 1m.
	RecommenderInterval config.Duration `yaml:"recommenderInterval"`
	// CPUQuery and MemoryQuery return the usage in cores and bytes, as instant vectors with the labels namespace, pod
	// and container. They mirror no flag: the original reads metrics.k8s.io. The defaults use the metrics of the
	// kubelet's cAdvisor.
	CPUQuery    string `yaml:"cpuQuery"`
	MemoryQuery string `yaml:"memoryQuery"`
	// VPAObjectNamespace is the only namespace whose objects are handled; empty means all. Default empty.
	VPAObjectNamespace string `yaml:"vpaObjectNamespace"`
	// IgnoredVPAObjectNamespaces are not handled. Excludes vpaObjectNamespace. Default none.
	IgnoredVPAObjectNamespaces []string `yaml:"ignoredVpaObjectNamespaces"`
	// UpdateWorkerCount is how many statuses are written at the same time, and how many checkpoints. Default 10.
	UpdateWorkerCount int `yaml:"updateWorkerCount"`
	// StatusPatience is how long the write of a bound that drifted by at most 1% waits. Mirrors no flag: the original
	// writes each change. Default 1h; 0s writes each change.
	StatusPatience config.Duration `yaml:"statusPatience"`

	// TargetCPUPercentile and TargetMemoryPercentile (0 to 1) are the percentiles of the usage for the target. Default
	// 0.9.
	TargetCPUPercentile    float64 `yaml:"targetCpuPercentile"`
	TargetMemoryPercentile float64 `yaml:"targetMemoryPercentile"`
	// LowerBoundCPUPercentile and LowerBoundMemoryPercentile (0 to 1) are the percentiles for the lower bound. The
	// updater raises a request below it. Mirror --recommendation-lower-bound-cpu-percentile and that for memory.
	// Default 0.5.
	LowerBoundCPUPercentile    float64 `yaml:"recommendationLowerBoundCpuPercentile"`
	LowerBoundMemoryPercentile float64 `yaml:"recommendationLowerBoundMemoryPercentile"`
	// UpperBoundCPUPercentile and UpperBoundMemoryPercentile (0 to 1) are the percentiles for the upper bound. The
	// updater lowers a request above it. Mirror --recommendation-upper-bound-cpu-percentile and that for memory.
	// Default 0.95.
	UpperBoundCPUPercentile    float64 `yaml:"recommendationUpperBoundCpuPercentile"`
	UpperBoundMemoryPercentile float64 `yaml:"recommendationUpperBoundMemoryPercentile"`
	// ConfidenceIntervalCPU and ConfidenceIntervalMemory are the units for the length of the history. After n of them
	// the upper bound is 1+1/n times its percentile. Default 24h.
	ConfidenceIntervalCPU    config.Duration `yaml:"confidenceIntervalCpu"`
	ConfidenceIntervalMemory config.Duration `yaml:"confidenceIntervalMemory"`
	// MarginFraction is added to each percentile, as a share of it. Default 0.15.
	MarginFraction float64 `yaml:"recommendationMarginFraction"`
	// PodMinCPUMillicores (milli-cores) and PodMinMemoryMB (MiB) are the minimum for all containers of a pod together.
	// Defaults 25 and 250.
	PodMinCPUMillicores float64 `yaml:"podRecommendationMinCpuMillicores"`
	PodMinMemoryMB      float64 `yaml:"podRecommendationMinMemoryMb"`
	// Amounts are rounded up to a multiple of RoundCPUMillicores and RoundMemoryBytes. Default 1.
	RoundCPUMillicores int64 `yaml:"roundCpuMillicores"`
	RoundMemoryBytes   int64 `yaml:"roundMemoryBytes"`
	// MaxAllowedCPU and MaxAllowedMemory (quantities) are used where a resource policy has no maxAllowed. Default
	// empty: no maximum.
	MaxAllowedCPU    string `yaml:"containerRecommendationMaxAllowedCpu"`
	MaxAllowedMemory string `yaml:"containerRecommendationMaxAllowedMemory"`
	// CPUIntegerPostProcessorEnabled rounds CPU up to whole cores for containers with an annotation on their VPA:
	// vpa-post-processor.kubernetes.io/CONTAINER_integerCPU. Default false.
	CPUIntegerPostProcessorEnabled bool `yaml:"cpuIntegerPostProcessorEnabled"`

	// CPUHistogramDecayHalfLife and MemoryHistogramDecayHalfLife are the age at which a sample counts half as much.
	// Default 24h.
	CPUHistogramDecayHalfLife    config.Duration `yaml:"cpuHistogramDecayHalfLife"`
	MemoryHistogramDecayHalfLife config.Duration `yaml:"memoryHistogramDecayHalfLife"`
	// MemoryAggregationInterval is the time range for which a container adds one memory peak. Default 24h.
	MemoryAggregationInterval config.Duration `yaml:"memoryAggregationInterval"`
	// MemoryAggregationIntervalCount is the number of intervals without a sample after which a container that no pod
	// has any more is forgotten. Default 8.
	MemoryAggregationIntervalCount int64 `yaml:"memoryAggregationIntervalCount"`
	// OOMBumpUpRatio (at least 1) and OOMMinBumpUpBytes (bytes) raise the memory of a container after an OOM kill.
	// Defaults 1.2 and 104857600.
	OOMBumpUpRatio    float64 `yaml:"oomBumpUpRatio"`
	OOMMinBumpUpBytes int64   `yaml:"oomMinBumpUpBytes"`

	// CheckpointInterval is the minimum time between two writes of a checkpoint. With a longer history it is a
	// hundredth of the history, up to an hour. Mirrors no flag: the original writes all in every round. Default 1m.
	CheckpointInterval config.Duration `yaml:"checkpointInterval"`
	// CheckpointsPerRound bounds the checkpoints written in one round. Namespaces take turns, each with its oldest
	// first. Mirrors no flag. Default 200.
	CheckpointsPerRound int `yaml:"checkpointsPerRound"`
	// CheckpointsTimeout bounds the writing of one round's checkpoints; the rest is left to the next round. Default 1m.
	CheckpointsTimeout config.Duration `yaml:"checkpointsTimeout"`
	// CheckpointsGCInterval is how often checkpoints of deleted VPAs are removed. Default 10m.
	CheckpointsGCInterval config.Duration `yaml:"checkpointsGcInterval"`
}

// SetDefaults fills in the values documented at the fields.
func (c *Config) SetDefaults() {
	day, minute := config.Duration(24*time.Hour), config.Duration(time.Minute)
	*c = Config{
		RecommenderName: "default", RecommenderInterval: minute,
		CPUQuery:          `sum by (namespace,pod,container) (rate(container_cpu_usage_seconds_total{container!="",container!="POD"}[5m]))`,
		MemoryQuery:       `max by (namespace,pod,container) (container_memory_working_set_bytes{container!="",container!="POD"})`,
		UpdateWorkerCount: 10, StatusPatience: 60 * minute,
		TargetCPUPercentile: 0.9, TargetMemoryPercentile: 0.9,
		LowerBoundCPUPercentile: 0.5, LowerBoundMemoryPercentile: 0.5,
		UpperBoundCPUPercentile: 0.95, UpperBoundMemoryPercentile: 0.95,
		ConfidenceIntervalCPU: day, ConfidenceIntervalMemory: day,
		MarginFraction: 0.15, PodMinCPUMillicores: 25, PodMinMemoryMB: 250,
		RoundCPUMillicores: 1, RoundMemoryBytes: 1,
		CPUHistogramDecayHalfLife: day, MemoryHistogramDecayHalfLife: day,
		MemoryAggregationInterval: day, MemoryAggregationIntervalCount: 8,
		OOMBumpUpRatio: 1.2, OOMMinBumpUpBytes: 100 << 20,
		CheckpointInterval: minute, CheckpointsPerRound: 200, CheckpointsTimeout: minute,
		CheckpointsGCInterval: 10 * minute,
	}
}

// Validate checks what the types cannot.
func (c *Config) Validate() config.Problems {
	var ps config.Problems
	for _, t := range []struct{ path, value string }{
		{"recommenderName", c.RecommenderName}, {"cpuQuery", c.CPUQuery}, {"memoryQuery", c.MemoryQuery},
	} {
		if t.value == "" {
			ps.Add(t.path, "must not be empty")
		}
	}
	for _, p := range []struct {
		path  string
		value float64
	}{
		{"targetCpuPercentile", c.TargetCPUPercentile}, {"targetMemoryPercentile", c.TargetMemoryPercentile},
		{"recommendationLowerBoundCpuPercentile", c.LowerBoundCPUPercentile}, {"recommendationLowerBoundMemoryPercentile", c.LowerBoundMemoryPercentile},
		{"recommendationUpperBoundCpuPercentile", c.UpperBoundCPUPercentile}, {"recommendationUpperBoundMemoryPercentile", c.UpperBoundMemoryPercentile},
	} {
		config.Between(&ps, p.path, p.value, 0, 1)
	}
	c.validateSpans(&ps)
	c.validateAmounts(&ps)
	if c.VPAObjectNamespace != "" && len(c.IgnoredVPAObjectNamespaces) > 0 {
		ps.Add("ignoredVpaObjectNamespaces", "excludes vpaObjectNamespace; keep one of them")
	}
	return ps
}

func (c *Config) validateSpans(ps *config.Problems) {
	for _, s := range []struct {
		path  string
		value config.Duration
	}{
		{"recommenderInterval", c.RecommenderInterval}, {"checkpointsTimeout", c.CheckpointsTimeout},
		{"checkpointsGcInterval", c.CheckpointsGCInterval},
		{"confidenceIntervalCpu", c.ConfidenceIntervalCPU}, {"confidenceIntervalMemory", c.ConfidenceIntervalMemory},
		{"cpuHistogramDecayHalfLife", c.CPUHistogramDecayHalfLife}, {"memoryHistogramDecayHalfLife", c.MemoryHistogramDecayHalfLife},
		{"memoryAggregationInterval", c.MemoryAggregationInterval},
	} {
		config.Between(ps, s.path, s.value, minSpan, maxSpan)
	}
	most := int64(math.MaxInt64) // intervals that are together no longer than the library's longest time
	if c.MemoryAggregationInterval >= minSpan && c.MemoryAggregationInterval <= maxSpan {
		most = int64(math.MaxInt64 / c.MemoryAggregationInterval)
	}
	config.Between(ps, "memoryAggregationIntervalCount", c.MemoryAggregationIntervalCount, 1, most)
}

func (c *Config) validateAmounts(ps *config.Problems) {
	// Amounts are at most maxAmount, so that more than that changes nothing.
	const maxAmount = 1e14
	for _, n := range []struct {
		path        string
		value, most float64
	}{
		{"recommendationMarginFraction", c.MarginFraction, 1e6},
		{"podRecommendationMinCpuMillicores", c.PodMinCPUMillicores, maxAmount}, {"podRecommendationMinMemoryMb", c.PodMinMemoryMB, maxAmount},
	} {
		config.Between(ps, n.path, n.value, 0, n.most)
	}
	config.Between(ps, "oomBumpUpRatio", c.OOMBumpUpRatio, 1, 1e6)
	config.Between(ps, "oomMinBumpUpBytes", c.OOMMinBumpUpBytes, 0, maxAmount)
	config.Between(ps, "roundCpuMillicores", c.RoundCPUMillicores, 1, maxAmount)
	config.Between(ps, "roundMemoryBytes", c.RoundMemoryBytes, 1, maxAmount)
	config.Between(ps, "updateWorkerCount", c.UpdateWorkerCount, 1, 10_000) // goroutines
	config.Between(ps, "checkpointsPerRound", c.CheckpointsPerRound, 1, 1_000_000)
	for _, q := range []struct{ path, value string }{
		{"containerRecommendationMaxAllowedCpu", c.MaxAllowedCPU}, {"containerRecommendationMaxAllowedMemory", c.MaxAllowedMemory},
	} {
		if parsed, err := resource.ParseQuantity(q.value); q.value != "" && (err != nil || parsed.Sign() <= 0) {
			ps.Add(q.path, "%q is not a quantity above zero such as 4 or 16Gi", q.value)
		}
	}
}

func (c *Config) maxAllowed() (corev1.ResourceList, error) {
	list := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: c.MaxAllowedCPU, corev1.ResourceMemory: c.MaxAllowedMemory} {
		if text == "" {
			continue
		}
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("maximum for %s: %w", name, err)
		}
		list[name] = q
	}
	return list, nil
}

// settings converts the configuration for package recommend.
func (c *Config) settings() (*recommend.Settings, error) {
	maxAllowed, err := c.maxAllowed()
	if err != nil {
		return nil, err
	}
	return &recommend.Settings{
		CPU: recommend.Percentiles{
			Target: c.TargetCPUPercentile, Lower: c.LowerBoundCPUPercentile, Upper: c.UpperBoundCPUPercentile,
			ConfidenceInterval: c.ConfidenceIntervalCPU.Std(),
		},
		Memory: recommend.Percentiles{
			Target: c.TargetMemoryPercentile, Lower: c.LowerBoundMemoryPercentile, Upper: c.UpperBoundMemoryPercentile,
			ConfidenceInterval: c.ConfidenceIntervalMemory.Std(),
		},
		MarginFraction: c.MarginFraction,
		PodMinCPUMilli: c.PodMinCPUMillicores, PodMinMemoryMB: c.PodMinMemoryMB,
		RoundCPUMilli: c.RoundCPUMillicores, RoundMemoryBytes: c.RoundMemoryBytes,
		MaxAllowed: maxAllowed, IntegerCPU: c.CPUIntegerPostProcessorEnabled,
	}, nil
}

func (c *Config) aggregation() *recommend.Aggregation {
	return &recommend.Aggregation{
		CPU: histogram.CPU(), Memory: histogram.Memory(),
		CPUHalfLife: c.CPUHistogramDecayHalfLife.Std(), MemoryHalfLife: c.MemoryHistogramDecayHalfLife.Std(),
		Interval: c.MemoryAggregationInterval.Std(), Intervals: c.MemoryAggregationIntervalCount,
		OOMBumpRatio: c.OOMBumpUpRatio, OOMMinBump: c.OOMMinBumpUpBytes,
	}
}
