package scalers

import (
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers/spec"
)

// CheckManifest checks one ScaledObject of a file, strictly and without a cluster. The error is a
// config.Problems. What an authentication would bring is not missed.
func CheckManifest(file string, doc []byte) error {
	var so keda.ScaledObject
	if err := yaml.UnmarshalStrict(doc, &so); err != nil {
		return config.Problems{{File: file, Message: "not a ScaledObject of keda.sh/v1alpha1: " + err.Error()}}
	}
	var cfg Config
	cfg.SetDefaults()
	_, err := spec.Parse(&so, cfg.defaults())
	problems := problemsOf(file, err)
	c := newCatalog(catalogConfig{sources: sources(cfg, prometheus.NewRegistry()), offline: true})
	set, err := c.openAll(&so, make([]map[string]string, len(so.Spec.Triggers)))
	set.release()
	return append(problems, problemsOf(file, err)...).AsError()
}

// problemsOf has one problem for each of the joined errors, which begin with their path.
func problemsOf(file string, err error) config.Problems {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all config.Problems
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(file, e)...)
		}
		return all
	}
	path, message, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		path, message = "", err.Error()
	}
	return config.Problems{{File: file, Path: path, Message: message}}
}
