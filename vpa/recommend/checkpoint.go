package recommend

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/vpa/histogram"
)

// checkpointVersion is the version of the format; others are refused.
const checkpointVersion = "v3"

// WindowsAnnotation has the current memory windows of a checkpoint's instances. A checkpoint of version v3 omits their
// peaks, so that they do not count twice after a restart; without the annotation they would be lost. The original
// recommender ignores the annotation.
const WindowsAnnotation = "trimtab.dev/memory-windows"

// maxWindows bounds the annotation to about 100 kB.
const maxWindows = 1000

// farAhead is how far beyond its half-life the reference of a checkpoint may be in the future. With a later reference
// all new samples would have no weight.
const farAhead = 30 * 24 * time.Hour

// windows is the value of the annotation.
type windows struct {
	// Of is the lastUpdateTime of the status that the windows belong to, in Unix seconds.
	Of int64 `json:"of"`
	// Windows are, by pod UID, the end, peak, OOM peak, last memory sample and last kill: bytes and
	// Unix seconds, 0 for none.
	Windows map[string][5]int64 `json:"windows"`
}

// Save makes a checkpoint of a container's usage and the value of its annotation. The peaks of windows that have not
// ended are removed from the checkpoint and put into the annotation. Save does not change u.
func (a *Aggregation) Save(u *Usage, instances map[string]*Instance, now time.Time) (vpav1.VerticalPodAutoscalerCheckpointStatus, string) {
	memory := u.Memory.Clone()
	saved := windows{Of: now.Unix(), Windows: map[string][5]int64{}}
	for _, uid := range slices.Sorted(maps.Keys(instances)) {
		in := instances[uid]
		if !now.Before(in.WindowEnd) {
			continue
		}
		memory.Subtract(max(in.Peak, in.OOMPeak), 1, in.WindowEnd)
		if len(saved.Windows) < maxWindows {
			saved.Windows[uid] = [5]int64{unix(in.WindowEnd), in.Peak, in.OOMPeak, unix(in.LastMemory), unix(in.LastOOM)}
		}
	}
	annotation, err := json.Marshal(saved)
	if err != nil {
		panic(err) // integers and strings always marshal
	}
	return vpav1.VerticalPodAutoscalerCheckpointStatus{
		LastUpdateTime:    metav1.NewTime(now.Truncate(time.Second)),
		Version:           checkpointVersion,
		CPUHistogram:      toAPI(u.CPU.Save()),
		MemoryHistogram:   toAPI(memory.Save()),
		FirstSampleStart:  metav1.NewTime(u.First),
		LastSampleStart:   metav1.NewTime(u.Last),
		TotalSamplesCount: u.Samples,
	}, string(annotation)
}

// Load restores a checkpoint of Save or of the original recommender. It ignores an annotation that belongs to another
// status or cannot be read: only the peaks of one window are lost.
func (a *Aggregation) Load(s vpav1.VerticalPodAutoscalerCheckpointStatus, annotation string, now time.Time) (*Usage, map[string]*Instance, error) {
	if s.Version != checkpointVersion {
		return nil, nil, fmt.Errorf("status.version is %q; %q is supported", s.Version, checkpointVersion)
	}
	if s.TotalSamplesCount < 0 || s.LastSampleStart.Time.Before(s.FirstSampleStart.Time) {
		return nil, nil, fmt.Errorf("status.totalSamplesCount is %d and the samples are from %s to %s",
			s.TotalSamplesCount, s.FirstSampleStart.UTC().Format(time.RFC3339), s.LastSampleStart.UTC().Format(time.RFC3339))
	}
	cpu, err := load(s.CPUHistogram, a.CPU, a.CPUHalfLife, now)
	if err != nil {
		return nil, nil, fmt.Errorf("status.cpuHistogram: %w", err)
	}
	memory, err := load(s.MemoryHistogram, a.Memory, a.MemoryHalfLife, now)
	if err != nil {
		return nil, nil, fmt.Errorf("status.memoryHistogram: %w", err)
	}
	u := &Usage{
		CPU: cpu, Memory: memory, Samples: s.TotalSamplesCount,
		First: s.FirstSampleStart.Time, Last: s.LastSampleStart.Time,
	}
	return u, a.loadWindows(u, annotation, s.LastUpdateTime.Unix(), now), nil
}

func (a *Aggregation) loadWindows(u *Usage, annotation string, of int64, now time.Time) map[string]*Instance {
	instances := map[string]*Instance{}
	var saved windows
	if annotation == "" || json.Unmarshal([]byte(annotation), &saved) != nil || saved.Of != of {
		return instances
	}
	latest := now.Add(2 * a.Interval).Unix()
	for _, uid := range slices.Sorted(maps.Keys(saved.Windows)) {
		w := saved.Windows[uid]
		if w[0] <= 0 || w[0] > latest || w[1] < 0 || w[2] < 0 {
			continue
		}
		in := &Instance{WindowEnd: fromUnix(w[0]), Peak: w[1], OOMPeak: w[2], LastMemory: fromUnix(w[3]), LastOOM: fromUnix(w[4])}
		u.Memory.Add(max(in.Peak, in.OOMPeak), 1, in.WindowEnd)
		instances[uid] = in
	}
	return instances
}

func toAPI(c histogram.Checkpoint) vpav1.HistogramCheckpoint {
	return vpav1.HistogramCheckpoint{ReferenceTimestamp: metav1.NewTime(c.Reference), BucketWeights: c.Weights, TotalWeight: c.Total}
}

func load(c vpav1.HistogramCheckpoint, scheme *histogram.Scheme, halfLife time.Duration, now time.Time) (*histogram.Histogram, error) {
	if c.ReferenceTimestamp.After(now.Add(halfLife + farAhead)) {
		return nil, fmt.Errorf("%w: referenceTimestamp %s lies in the future", histogram.ErrDamaged, c.ReferenceTimestamp.UTC().Format(time.RFC3339))
	}
	return histogram.Load(histogram.Checkpoint{
		Reference: c.ReferenceTimestamp.Time, Weights: c.BucketWeights, Total: c.TotalWeight,
	}, scheme, halfLife)
}

// unix is t in Unix seconds, 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
