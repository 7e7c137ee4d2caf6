package clusterscaler

import (
	"errors"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/clusterscaler/config"
	"github.com/trimtab/trimtab/clusterscaler/fleet"
	"github.com/trimtab/trimtab/clusterscaler/kube"
)

// The loop tells what it did after it has written the ConfigMap, and nothing where there is none.
func TestLoopTellsOnTheStatus(t *testing.T) {
	for _, written := range []bool{true, false} {
		var cfg config.Config
		cfg.SetDefaults()
		cfg.WriteStatusConfigmap = written
		r := newRigWith(t, cfg, pendingPod())
		r.provider.refuse["a"] = true
		r.loop()
		r.loop()
		got := strings.Join(r.told(), "\n")
		want := "Warning FailedToScaleUpGroup group a could not grow from 0 to 1 (quota): refused: no capacity\nNormal ScaledUpGroup group b grows from 0 to 1 (max 3) for 1 pods"
		if written && got != want || !written && got != "" {
			t.Errorf("written %t: %s", written, got)
		}
	}
}

// What a drain came to is told by the loop that learns of it, and nodes that are given up in the loop that gives them up.
func TestLoopTellsOutcomes(t *testing.T) {
	r := newRig(t)
	r.provider.failed = map[string][]fleet.Failed{"a": {{Instance: "i-1", Failure: fleet.Failure{Message: "out of capacity"}}}}
	r.scaler.finished(kube.Outcome{Node: "n", Group: "a", Err: errors.New("no")})
	r.loop()
	want := "Warning ScaleDownFailed node n of group a is kept: no\nWarning ScaleUpFailed 1 nodes of group a could not be launched"
	if got := strings.Join(r.told(), "\n"); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}
