package scalers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/manifest"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers/spec"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// Supported says whether this part handles a kind of objects. The error says that it does nothing for them. The group
// may be empty, as in a manifest without apiVersion.
func Supported(group, kind string) (ours bool, err error) {
	if group != "" && group != keda.GroupVersion.Group && group != "eventing.keda.sh" {
		return false, nil
	}
	refused := map[string]string{
		"ScaledJob":                    "trimtab runs no Jobs; keep KEDA for it, or scale a Deployment by a ScaledObject",
		"ClusterTriggerAuthentication": "write a TriggerAuthentication in each namespace that needs it",
		"CloudEventSource":             "trimtab sends no CloudEvents; it writes Events",
		"ClusterCloudEventSource":      "trimtab sends no CloudEvents; it writes Events",
	}
	mend, known := refused[kind]
	switch {
	case kind == "ScaledObject", kind == "TriggerAuthentication":
		return true, nil
	case known:
		return true, fmt.Errorf("%q is not supported; %s", kind, mend)
	case group == "", kind == "": // the caller says what is missing
		return false, nil
	default:
		return true, fmt.Errorf("%q is not supported; supported: ScaledObject, TriggerAuthentication", kind)
	}
}

// CheckManifest checks one object of a file, strictly and without a cluster. Its kind is Supported. It refuses what the
// running part refuses with cfg, by the same functions; nil means the default configuration. It ignores problems that
// only a cluster or a resolver can show. The error is a config.Problems. Warnings say what the running part ignores or
// changes; they are also returned with an error.
func CheckManifest(file, kind string, doc []byte, cfg *Config) (warnings config.Problems, err error) {
	if kind == "TriggerAuthentication" {
		var ta keda.TriggerAuthentication
		if err := manifest.Decode(file, doc, &ta); err != nil {
			return nil, err
		}
		return nil, problemsOf(file, nil, checkAuthentication(&ta.Spec)).AsError()
	}
	var so keda.ScaledObject
	if err := manifest.Decode(file, doc, &so); err != nil {
		return nil, err
	}
	if cfg == nil {
		cfg = new(Config)
		cfg.SetDefaults()
	}
	if err := spec.TooLarge(&so, cfg.defaults().Limits); err != nil {
		return nil, problemsOf(file, nil, err).AsError()
	}
	checked, wrong := spec.Parse(&so, cfg.defaults())
	triggers, wrongTriggers := sources(environment(*cfg, nil)).check(spec.OwnerOf(&so), nil, cfg.MaxTriggerTimeout.Std())
	for _, w := range slices.Concat(checked.Warnings, triggers.limits, triggers.warnings) {
		warnings = append(warnings, problemsOf(file, so.Spec.Triggers, errors.New(w))...)
	}
	return warnings, problemsOf(file, so.Spec.Triggers, text.Join(wrong, wrongTriggers)).AsError()
}

// problemsOf makes one problem of each joined error. The errors begin with a path, or with the name of a trigger. An
// error without a path gets the path of the one before: it counts errors that are not shown.
func problemsOf(file string, triggers []keda.ScaleTriggers, err error) config.Problems {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all config.Problems
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(file, triggers, e)...)
			if n := len(all); n > 1 && all[n-1].Path == "" {
				all[n-1].Path = all[n-2].Path
			}
		}
		return all
	}
	for i, t := range triggers {
		title := trigger.Definition{Index: i, Type: t.Type, Name: t.Name}.String()
		if message, of := strings.CutPrefix(err.Error(), title+": "); of {
			return config.Problems{{File: file, Path: title, Message: message}}
		}
	}
	path, message, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		path, message = "", err.Error()
	}
	return config.Problems{{File: file, Path: path, Message: message}}
}
