package kube

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

// What the API server lacks is said once, and again only when it is another.
func TestMissingKindsAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range Optional() {
		if kind.Group != resourcev1.GroupName {
			mapper.Add(kind, meta.RESTScopeRoot)
		}
	}
	k := NewKinds(mapper, slog.New(slog.NewTextHandler(&log, nil)))
	if k.Missing("DeviceClass") {
		t.Error("a kind is missing before the API server was asked")
	}
	said := func() string {
		t.Helper()
		log.Reset()
		if err := k.Ask(); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	if got := said(); !strings.Contains(got, "[ResourceClaim.resource.k8s.io/v1 ResourceSlice.resource.k8s.io/v1 DeviceClass.resource.k8s.io/v1]") {
		t.Errorf("said %q", got)
	}
	if !k.Missing("DeviceClass") || k.Missing("CSINode") {
		t.Error("other kinds are missing")
	}
	if got := said(); got != "" {
		t.Errorf("said again %q", got)
	}
	for _, kind := range Optional() {
		mapper.Add(kind, meta.RESTScopeRoot)
	}
	if got := said(); !strings.Contains(got, "serves all kinds") || k.Missing("DeviceClass") {
		t.Errorf("after they came: said %q", got)
	}
}
