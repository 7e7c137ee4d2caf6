package recommender

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab/internal/config"
)

func TestDefaultsAreValid(t *testing.T) {
	var c Config
	c.SetDefaults()
	if ps := c.Validate(); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestConfigIsCheckedAsAWhole(t *testing.T) {
	file := struct {
		VPA *Config `yaml:"vpa"`
	}{}
	err := config.Decode("trimtab.yaml", []byte(`
vpa:
  recommenderName: ""
  cpuQuery: ""
  targetCpuPercentile: 90
  recommendationLowerBoundMemoryPercentile: -0.1
  recommendationUpperBoundCpuPercentile: .nan
  recommenderInterval: 0s
  memoryHistogramDecayHalfLife: 100000h
  recommendationMarginFraction: -1
  oomBumpUpRatio: 0.9
  updateWorkerCount: 0
  containerRecommendationMaxAllowedCpu: many
  containerRecommendationMaxAllowedMemory: "0"
  vpaObjectNamespace: a
  ignoredVpaObjectNamespaces: [b]
`), &file)
	want := `trimtab.yaml: vpa.recommenderName: must not be empty
trimtab.yaml: vpa.cpuQuery: must not be empty
trimtab.yaml: vpa.targetCpuPercentile: 90 is not between 0 and 1
trimtab.yaml: vpa.recommendationLowerBoundMemoryPercentile: -0.1 is not between 0 and 1
trimtab.yaml: vpa.recommendationUpperBoundCpuPercentile: NaN is not between 0 and 1
trimtab.yaml: vpa.recommenderInterval: 0s is not between 1s and 8784h0m0s
trimtab.yaml: vpa.memoryHistogramDecayHalfLife: 100000h0m0s is not between 1s and 8784h0m0s
trimtab.yaml: vpa.recommendationMarginFraction: -1 is not between 0 and 1000000
trimtab.yaml: vpa.oomBumpUpRatio: 0.9 is not between 1 and 1000000
trimtab.yaml: vpa.updateWorkerCount: 0 is not between 1 and 10000
trimtab.yaml: vpa.containerRecommendationMaxAllowedCpu: "many" is not a quantity above zero such as 4 or 16Gi
trimtab.yaml: vpa.containerRecommendationMaxAllowedMemory: "0" is not a quantity above zero such as 4 or 16Gi
trimtab.yaml: vpa.ignoredVpaObjectNamespaces: excludes vpaObjectNamespace; keep one of them`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	var c Config
	c.SetDefaults()
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "a Prometheus server are needed") {
		t.Errorf("without a server: %v", err)
	}
	c.UpdateWorkerCount = 0
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "updateWorkerCount") {
		t.Errorf("with a bad configuration: %v", err)
	}
}
