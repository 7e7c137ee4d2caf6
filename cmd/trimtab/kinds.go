package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
)

// checkFile tells what a file is, by the keys of its first document, and checks it.
func checkFile(path string, s stdio) []checked {
	name, data, err := readInput(path, s)
	if err != nil {
		return []checked{result(name, "file", err)}
	}
	if err := tooLarge(name, data); err != nil {
		return []checked{result(name, "file", err)}
	}
	keys := firstKeys(data)
	has := func(key string) bool { return slices.Contains(keys, key) }
	switch {
	case has("kind"), has("apiVersion"):
		return checkManifest(name, data)
	case has("rules"), has("externalRules"), has("resourceRules"):
		return []checked{checkRules(name, data)}
	default:
		return []checked{checkConfig(name, data)}
	}
}

// tooLarge refuses, by its text alone, what no check would take: parsing costs more than twenty times the size. A file
// is a manifest where some line begins as those of an object do.
func tooLarge(name string, data []byte) error {
	if len(data) <= config.MaxFileBytes {
		return nil
	}
	most := config.MaxFileBytes
	for line := range bytes.Lines(data) {
		key, _, _ := bytes.Cut(line[:min(len(line), 80)], []byte(":"))
		key = bytes.ReplaceAll(key, []byte{0}, nil) // of UTF-16
		if word := string(bytes.Trim(key, " \t\uFEFF{\"'")); word == "apiVersion" || word == "kind" {
			most = migration.MaxManifestBytes
			break
		}
	}
	if len(data) <= most {
		return nil
	}
	return config.Problems{{File: name, Message: fmt.Sprintf("the file has more than %d bytes", most)}}
}

func firstKeys(data []byte) []string {
	docs := config.Documents(data)
	if len(docs) == 0 {
		return nil
	}
	root, err := docs[0].Root("")
	if err != nil || root == nil || root.Kind != yaml.MappingNode {
		return nil
	}
	var keys []string
	for i := 0; i < len(root.Content); i += 2 {
		keys = append(keys, root.Content[i].Value)
	}
	return keys
}

// checkManifest checks each document of a manifest, and each item of a List.
func checkManifest(name string, data []byte) []checked {
	var all []checked
	for _, doc := range config.Documents(data) {
		root, err := doc.Root(name)
		if err != nil {
			all = append(all, result(name, "manifest", err))
			continue
		}
		if root == nil {
			continue // a directive, and nothing behind it
		}
		for _, c := range checkObject(name, doc.Data, root) {
			c.locate(doc)
			all = append(all, c)
		}
	}
	return all
}

// checkObject checks the object that doc holds and root is the syntax tree of. The problems have paths,
// but no lines yet. Kinds that are none of trimtab's business are named as skipped, not refused.
func checkObject(name string, doc []byte, root *yaml.Node) []checked {
	var meta struct {
		Kind       string `yaml:"kind"`
		APIVersion string `yaml:"apiVersion"`
		Metadata   struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
		Items []yaml.Node `yaml:"items"`
	}
	if root.Kind != yaml.MappingNode {
		return []checked{result(name, "manifest", config.Problems{{File: name, Message: "not a Kubernetes object"}})}
	}
	// A key that stands twice is told better by the check of its kind, so this error is kept for last.
	unread := root.Decode(&meta)
	title := oneLine(meta.Kind + " " + meta.Metadata.Name)
	group, _, _ := strings.Cut(meta.APIVersion, "/")
	kedas, refused := scalers.Supported(group, meta.Kind)
	switch {
	case refused != nil:
		return []checked{result(name, title, config.Problems{{File: name, Path: "kind", Message: refused.Error()}})}
	case kedas:
		var warnings config.Problems
		c := versioned(name, title, meta.APIVersion, "keda.sh/v1alpha1", doc, func(file string, doc []byte) (err error) {
			warnings, err = scalers.CheckManifest(file, meta.Kind, doc)
			return err
		})
		for _, w := range warnings {
			c.Warnings = append(c.Warnings, problem(w))
		}
		for _, ps := range [][]problem{c.Problems, c.Warnings} {
			for i := range ps {
				ps[i].Path = triggerPath(ps[i].Path)
			}
		}
		return []checked{c}
	case meta.Kind == "VerticalPodAutoscaler" && (group == "autoscaling.k8s.io" || group == ""):
		return []checked{versioned(name, title, meta.APIVersion, "autoscaling.k8s.io/v1", doc, vpa.CheckManifest)}
	case unread != nil:
		return []checked{result(name, "manifest", notAnObject(name, unread))}
	case meta.Kind == "":
		return []checked{result(name, "manifest", config.Problems{{File: name, Path: "kind", Message: "is required"}})}
	case meta.Kind == "List" && len(meta.Items) > 0:
		return checkItems(name, meta.Items)
	default:
		c := result(name, title, nil)
		c.Skipped = true
		return []checked{c}
	}
}

// notAnObject has a problem for each key that stands twice or holds what it cannot. Its lines are left out
// where they would count from the beginning of a document.
func notAnObject(name string, err error) error {
	var ps config.Problems
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		for _, message := range typed.Errors {
			_, message, _ = strings.Cut(message, ": ")
			message, _, _ = strings.Cut(message, " at line ")
			ps = append(ps, config.Problem{File: name, Message: "not a Kubernetes object: " + message})
		}
	}
	if len(ps) == 0 {
		return err
	}
	return ps
}

// triggerPath is where "trigger 0 (prometheus)", the name of a trigger in conditions and Events, stands in
// a manifest.
func triggerPath(path string) string {
	var i int
	if _, err := fmt.Sscanf(path, "trigger %d (", &i); err != nil {
		return path
	}
	return fmt.Sprintf("spec.triggers[%d]", i)
}

// versioned checks an object of a known kind, if its version is the one that trimtab reads.
func versioned(name, title, version, want string, doc []byte, check func(file string, doc []byte) error) checked {
	switch version {
	case want:
		return result(name, title, check(name, doc))
	case "":
		return result(name, title, config.Problems{{File: name, Path: "apiVersion", Message: "is required: " + want}})
	default:
		return result(name, title, config.Problems{{File: name, Path: "apiVersion", Message: fmt.Sprintf("%q is not read; write %s", version, want)}})
	}
}

// checkItems checks what `kubectl get -o yaml` prints of several objects.
func checkItems(name string, items []yaml.Node) []checked {
	var all []checked
	for i := range items {
		doc, err := yaml.Marshal(&items[i])
		if err != nil {
			all = append(all, result(name, "manifest", err))
			continue
		}
		for _, c := range checkObject(name, doc, &items[i]) {
			for _, ps := range [][]problem{c.Problems, c.Warnings} {
				for j := range ps {
					ps[j].Path = strings.TrimSuffix(fmt.Sprintf("items[%d].%s", i, ps[j].Path), ".")
				}
			}
			all = append(all, c)
		}
	}
	return all
}

// locate finds the lines of the problems and of the warnings.
func (c *checked) locate(doc config.Document) {
	for _, all := range [][]problem{c.Problems, c.Warnings} {
		ps := make(config.Problems, len(all))
		for i, p := range all {
			ps[i] = config.Problem(p)
		}
		ps.Locate(doc)
		for i, p := range ps {
			all[i] = problem(p)
		}
	}
}

// result is what came of checking; all of err is in it.
func result(file, kind string, err error) checked {
	c := checked{File: file, Kind: kind, OK: err == nil, Problems: []problem{}, Warnings: []problem{}}
	ps, known := errors.AsType[config.Problems](err)
	if err != nil && !known {
		ps = config.Problems{{File: file, Message: err.Error()}}
	}
	for _, p := range ps {
		p.Message = oneLine(p.Message)
		c.Problems = append(c.Problems, problem(p))
	}
	return c
}

// oneLine keeps what comes from a file or a library to one line that a terminal can show.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
