package recommend

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/trimtab/trimtab/internal/verdict"
)

// lived is three days of two instances; the second was killed for its memory an hour ago.
func lived(t *testing.T) (*Aggregation, *Usage, map[string]*Instance, time.Time) {
	t.Helper()
	agg := aggregation()
	u, instances := agg.NewUsage(), map[string]*Instance{"uid-a": {}, "uid-b": {}}
	now := start()
	for end := now.Add(70 * time.Hour); now.Before(end); now = now.Add(10 * time.Minute) {
		for _, in := range instances {
			in.AddCPU(u, 250, now)
			in.AddMemory(agg, u, 400<<20, now)
		}
	}
	if _, ok := instances["uid-b"].AddOOM(agg, u, 1<<30, now); !ok {
		t.Fatal("the kill was not counted")
	}
	return agg, u, instances, now.Add(time.Hour).Truncate(time.Second)
}

// What a restart gives back: the same recommendation, the same windows, and so no peak twice.
func TestRestartLosesNoPeakAndCountsNoneTwice(t *testing.T) {
	agg, u, instances, now := lived(t)
	before := Input{Subject: verdict.On("vpa", ""), Containers: map[string]Container{"app": {Usage: u}}}
	want, _ := Recommend(settings(), before)

	status, annotation := agg.Save(u, instances, now)
	loaded, windows, err := agg.Load(status, annotation, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := Recommend(settings(), Input{Subject: verdict.On("vpa", ""), Containers: map[string]Container{"app": {Usage: loaded}}})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("recommended before %+v\nand after %+v", want, got)
	}
	if len(windows) != 2 || !windows["uid-b"].LastOOM.Equal(instances["uid-b"].LastOOM) || windows["uid-b"].OOMPeak != instances["uid-b"].OOMPeak {
		t.Errorf("windows after the restart: %+v", windows["uid-b"])
	}
	again, _ := agg.Save(loaded, windows, now.Add(time.Minute))
	again.LastUpdateTime = status.LastUpdateTime
	if !reflect.DeepEqual(again.MemoryHistogram.BucketWeights, status.MemoryHistogram.BucketWeights) {
		t.Errorf("memory saved before %v, and after a restart %v", status.MemoryHistogram, again.MemoryHistogram)
	}
}

// A v3 checkpoint leaves out the peaks of windows that go on: another recommender counts them itself.
func TestSaveLeavesOutCurrentPeaks(t *testing.T) {
	agg := aggregation()
	u, in := agg.NewUsage(), &Instance{}
	in.AddCPU(u, 100, start())
	in.AddMemory(agg, u, 1<<30, start())
	status, _ := agg.Save(u, map[string]*Instance{"uid": in}, start().Add(time.Hour))
	if len(status.MemoryHistogram.BucketWeights) != 0 || len(status.CPUHistogram.BucketWeights) != 1 || status.Version != "v3" {
		t.Errorf("saved %+v", status)
	}
	if u.Memory.Empty() {
		t.Error("Save changed the usage")
	}
	ended, _ := agg.Save(u, map[string]*Instance{"uid": in}, start().Add(25*time.Hour))
	if len(ended.MemoryHistogram.BucketWeights) != 1 {
		t.Errorf("the peak of a window that ended is not saved: %+v", ended.MemoryHistogram)
	}
}

// The annotation belongs to one status: where another recommender wrote after us, it is void.
func TestWindowsOfAnotherStatusAreIgnored(t *testing.T) {
	agg, u, instances, now := lived(t)
	status, annotation := agg.Save(u, instances, now)
	status.LastUpdateTime = metav1.NewTime(now.Add(time.Hour))
	for name, a := range map[string]string{"of another status": annotation, "damaged": annotation[:20], "none": ""} {
		if _, windows, err := agg.Load(status, a, now); err != nil || len(windows) != 0 {
			t.Errorf("annotation %s: %d windows, %v", name, len(windows), err)
		}
	}
}

func TestLoadRefusesWhatItCannotTrust(t *testing.T) {
	agg, u, instances, now := lived(t)
	for want, damage := range map[string]func(*vpav1.VerticalPodAutoscalerCheckpointStatus){
		`status.version is "v2"; "v3" is supported`: func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) { s.Version = "v2" },
		"status.cpuHistogram: damaged histogram checkpoint: bucketWeights has bucket 400": func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) {
			s.CPUHistogram.BucketWeights = map[int]uint32{400: 1}
		},
		"status.memoryHistogram: damaged histogram checkpoint: totalWeight is -3": func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) {
			s.MemoryHistogram.TotalWeight = -3
		},
		"status.memoryHistogram: damaged histogram checkpoint: referenceTimestamp 2126": func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) {
			s.MemoryHistogram.ReferenceTimestamp = metav1.NewTime(now.AddDate(100, 0, 0))
		},
		"status.totalSamplesCount is -1": func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) { s.TotalSamplesCount = -1 },
		"and the samples are from 2026-03-14T09:26:53Z to 2026-03-13T": func(s *vpav1.VerticalPodAutoscalerCheckpointStatus) {
			s.LastSampleStart = metav1.NewTime(start().AddDate(0, 0, -1))
		},
	} {
		status, annotation := agg.Save(u, instances, now)
		damage(&status)
		if _, _, err := agg.Load(status, annotation, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestUsageExpiresAfterAllIntervals(t *testing.T) {
	agg := aggregation()
	u, in := agg.NewUsage(), &Instance{}
	in.AddCPU(u, 100, start())
	if agg.Expired(u, start().Add(8*day-time.Second)) || !agg.Expired(u, start().Add(8*day)) {
		t.Error("usage does not expire after exactly eight days")
	}
}

func TestSamplesAreCountedOnceAndOnlyUsageCounts(t *testing.T) {
	agg := aggregation()
	u, in := agg.NewUsage(), &Instance{}
	for _, c := range []struct {
		what string
		got  bool
		want bool
	}{
		{"first CPU", in.AddCPU(u, 100, start()), true},
		{"same CPU again", in.AddCPU(u, 100, start()), false},
		{"older CPU", in.AddCPU(u, 100, start().Add(-time.Second)), false},
		{"negative CPU", in.AddCPU(u, -1, start().Add(time.Minute)), false},
		{"first memory", in.AddMemory(agg, u, 100, start()), true},
		{"memory of the same time", in.AddMemory(agg, u, 200, start()), true},
		{"older memory", in.AddMemory(agg, u, 100, start().Add(-time.Second)), false},
		{"negative memory", in.AddMemory(agg, u, -1, start().Add(time.Minute)), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: counted %v", c.what, c.got)
		}
	}
	if u.Samples != 1 || in.Peak != 200 {
		t.Errorf("%d samples, peak %d", u.Samples, in.Peak)
	}
}

func TestUnitsOfSamples(t *testing.T) {
	for cores, want := range map[float64]int64{0: 0, 1e-12: 0, 0.0001: 1, 0.001: 1, 0.0011: 2, 0.29: 290, 0.57: 570, 1.1: 1100, 64: 64000} {
		if got, ok := MilliCores(cores); !ok || got != want {
			t.Errorf("%v cores are %dm, want %dm", cores, got, want)
		}
	}
	nan, inf := math.NaN(), math.Inf(1)
	for _, v := range []float64{-1, nan, inf, 1e300} {
		if _, ok := MilliCores(v); ok {
			t.Errorf("%v counts as a CPU usage", v)
		}
		if _, ok := WholeBytes(v); ok {
			t.Errorf("%v counts as a memory usage", v)
		}
	}
}

// Whatever stands in a checkpoint, loading it does not panic and leaves numbers to work with.
func FuzzLoad(f *testing.F) {
	f.Add(3, uint32(10000), 20.0, 5, `{"of":0,"windows":{"uid":[1773480000,5,0,0,0]}}`)
	f.Add(175, uint32(1), 1e300, 1, `{"windows":null}`)
	f.Fuzz(func(t *testing.T, bucket int, weight uint32, total float64, samples int, annotation string) {
		h := vpav1.HistogramCheckpoint{BucketWeights: map[int]uint32{bucket: weight}, TotalWeight: total}
		u, instances, err := aggregation().Load(vpav1.VerticalPodAutoscalerCheckpointStatus{
			Version: "v3", CPUHistogram: h, MemoryHistogram: h, TotalSamplesCount: samples, LastUpdateTime: metav1.NewTime(time.Unix(0, 0)),
		}, annotation, start())
		if err != nil {
			return
		}
		for _, in := range instances {
			in.AddMemory(aggregation(), u, 1<<30, start())
		}
		out, _ := Recommend(settings(), Input{Containers: map[string]Container{"app": {Usage: u}}})
		for _, r := range out {
			for name, q := range r.Target {
				if q.Sign() < 0 || toAmount(name, q) > 2*maxAmount {
					t.Errorf("%s is %s", name, q.String())
				}
			}
		}
	})
}

func BenchmarkRecommend(b *testing.B) {
	agg, in := aggregation(), Input{Subject: verdict.On("vpa", ""), Containers: map[string]Container{}}
	for _, name := range []string{"app", "proxy"} {
		u, instance := agg.NewUsage(), &Instance{}
		for i := range 1440 {
			at := start().Add(time.Duration(i) * time.Minute)
			instance.AddCPU(u, int64(100+i%200), at)
			instance.AddMemory(agg, u, int64(i)<<20, at)
		}
		in.Containers[name] = Container{Usage: u}
	}
	s := settings()
	b.ReportAllocs()
	for b.Loop() {
		Recommend(s, in)
	}
}
