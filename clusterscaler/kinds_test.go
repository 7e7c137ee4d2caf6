package clusterscaler

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/trimtab/trimtab/clusterscaler/kube"
	sharedkube "github.com/trimtab/trimtab/internal/kube"
)

// What the API server lacks is said once, and again only when it is another.
func TestMissingKindsAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range kube.Optional() {
		if kind.Group != resourcev1.GroupName {
			mapper.Add(kind, meta.RESTScopeRoot)
		}
	}
	c := &ClusterScaler{deps: Deps{Kube: &sharedkube.Kube{Mapper: mapper}, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	said := func() string {
		t.Helper()
		log.Reset()
		if err := c.askKinds(); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	if got := said(); !strings.Contains(got, "[ResourceClaim.resource.k8s.io/v1 ResourceSlice.resource.k8s.io/v1 DeviceClass.resource.k8s.io/v1]") {
		t.Errorf("said %q", got)
	}
	if !c.isMissing("DeviceClass") || c.isMissing("CSINode") {
		t.Error("other kinds are missing")
	}
	if got := said(); got != "" {
		t.Errorf("said again %q", got)
	}
	for _, kind := range kube.Optional() {
		mapper.Add(kind, meta.RESTScopeRoot)
	}
	if got := said(); !strings.Contains(got, "serves all kinds") || c.isMissing("DeviceClass") {
		t.Errorf("after they came: said %q", got)
	}
}
