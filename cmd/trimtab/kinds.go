package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/internal/migration"
	"github.com/trimtab/trimtab/internal/text"
	"github.com/trimtab/trimtab/scalers"
	"github.com/trimtab/trimtab/vpa"
)

// input is an input file of a command.
type input struct {
	name string
	data []byte
	// keys are the keys of its first document; they show what the file is.
	keys []string
	err  error
}

func readForCheck(path string, s stdio) input {
	name, data, err := readInput(path, s)
	if err == nil {
		err = tooLarge(name, data)
	}
	if err != nil {
		return input{name: name, err: err}
	}
	return input{name: name, data: data, keys: firstKeys(data)}
}

func (i input) has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(i.keys, key) })
}

func (i input) isManifest() bool { return i.has("kind", "apiVersion") }

func (i input) isRules() bool { return i.has("rules", "externalRules", "resourceRules") }

// scalersOf is the section scalers of the configuration among the files, for checking objects among them; nil where
// there is none.
func scalersOf(inputs []input) *scalers.Config {
	if !slices.ContainsFunc(inputs, input.isManifest) {
		return nil
	}
	for _, i := range inputs {
		if i.err == nil && !i.isManifest() && !i.isRules() {
			if cfg, err := decodeConfig(i.name, i.data); err == nil && cfg.Scalers != nil {
				return cfg.Scalers
			}
		}
	}
	return nil
}

// check checks a file. Objects in it are checked with the settings in by, if a configuration was given too.
func (i input) check(by *scalers.Config) []checked {
	switch {
	case i.err != nil:
		return []checked{result(i.name, "file", i.err)}
	case i.isManifest():
		return checkManifest(i.name, i.data, by)
	case i.isRules():
		return []checked{checkRules(i.name, i.data)}
	default:
		return []checked{checkConfig(i.name, i.data)}
	}
}

// tooLarge refuses a text that every check would refuse for its size, since parsing needs more than twenty times the
// size. A file counts as a manifest if a line begins as a line of an object does.
func tooLarge(name string, data []byte) error {
	if len(data) <= config.MaxFileBytes {
		return nil
	}
	most := config.MaxFileBytes
	for line := range bytes.Lines(data) {
		key, _, _ := bytes.Cut(line[:min(len(line), 80)], []byte(":"))
		key = bytes.ReplaceAll(key, []byte{0}, nil) // they are part of UTF-16
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
func checkManifest(name string, data []byte, by *scalers.Config) []checked {
	var all []checked
	for _, doc := range config.Documents(data) {
		root, err := doc.Root(name)
		if err != nil {
			all = append(all, result(name, "manifest", err))
			continue
		}
		if root == nil {
			continue // a directive without a document
		}
		for _, c := range checkObject(name, doc.Data, root, by) {
			c.locate(doc)
			all = append(all, c)
		}
	}
	return all
}

// checkObject checks the object in doc, with the syntax tree root. The problems have paths, but no lines yet. Kinds
// that trimtab does not read are reported as skipped, not as errors.
func checkObject(name string, doc []byte, root *yaml.Node, by *scalers.Config) []checked {
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
	// The check of the kind reports a duplicate key better, so this error is used last.
	unread := root.Decode(&meta)
	title := text.Squeezed(meta.Kind + " " + meta.Metadata.Name)
	group, _, _ := strings.Cut(meta.APIVersion, "/")
	kedas, refused := scalers.Supported(group, meta.Kind)
	switch {
	case refused != nil:
		return []checked{result(name, title, config.Problems{{File: name, Path: "kind", Message: refused.Error()}})}
	case kedas:
		var warnings config.Problems
		c := versioned(name, title, meta.APIVersion, "keda.sh/v1alpha1", doc, func(file string, doc []byte) (err error) {
			warnings, err = scalers.CheckManifest(file, meta.Kind, doc, by)
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
		return checkItems(name, meta.Items, by)
	default:
		c := result(name, title, nil)
		c.Skipped = true
		return []checked{c}
	}
}

// notAnObject has a problem for each key that is a duplicate or has a wrong value. It omits lines where they would be
// counted from the start of a document.
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

// triggerPath is the path in a manifest of "trigger 0 (prometheus)", which is a trigger's name in conditions and
// Events.
func triggerPath(path string) string {
	var i int
	if _, err := fmt.Sscanf(path, "trigger %d (", &i); err != nil {
		return path
	}
	return fmt.Sprintf("spec.triggers[%d]", i)
}

// versioned checks an object of a known kind, if it has the version that trimtab reads.
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

// checkItems checks the objects of a List, as `kubectl get -o yaml` prints it.
func checkItems(name string, items []yaml.Node, by *scalers.Config) []checked {
	var all []checked
	for i := range items {
		doc, err := yaml.Marshal(&items[i])
		if err != nil {
			all = append(all, result(name, "manifest", err))
			continue
		}
		for _, c := range checkObject(name, doc, &items[i], by) {
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

// result makes the result of a check, with all problems in err.
func result(file, kind string, err error) checked {
	c := checked{File: file, Kind: kind, OK: err == nil, Problems: []problem{}, Warnings: []problem{}}
	ps, known := errors.AsType[config.Problems](err)
	if err != nil && !known {
		ps = config.Problems{{File: file, Message: err.Error()}}
	}
	c.Problems = firstOf(file, ps)
	return c
}

// mostProblems is how many problems of a file, or of a document of a manifest, are reported.
const mostProblems = 100

// firstOf returns the first problems, a line each, and the number of further ones.
func firstOf(file string, ps config.Problems) []problem {
	out := []problem{}
	for i, p := range ps {
		if i == mostProblems {
			more := fmt.Sprintf("and %d more problems; mend these first", len(ps)-mostProblems)
			return append(out, problem{File: file, Line: ps[i-1].Line, Message: more})
		}
		p.Message = text.Squeezed(p.Message)
		out = append(out, problem(p))
	}
	return out
}
