package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/trimtab/trimtab/clusterscaler/plan"
	"github.com/trimtab/trimtab/internal/verdict"
)

// Outcome is what a plan decides, in names, codes and numbers. It has no words, in which names could hide.
type Outcome struct {
	Cluster      verdict.Code    `json:"cluster"`
	ScaleUp      []plan.Increase `json:"scaleUp"`
	GiveUp       []plan.Decrease `json:"giveUp"`
	Unregistered []plan.Deletion `json:"unregistered"`
	ScaleDown    []plan.Removal  `json:"scaleDown"`
	Resume       []plan.Removal  `json:"resume"`
	Unneeded     []plan.Removal  `json:"unneeded"`
	Pods         []PodOutcome    `json:"pods"`
	Nodes        []NodeOutcome   `json:"nodes"`
	Groups       []GroupOutcome  `json:"groups"`
	Headroom     []RoomOutcome   `json:"headroom"`
}

// PodOutcome is what was decided on a pod without a node.
type PodOutcome struct {
	Pod   string       `json:"pod"`
	Group string       `json:"group"`
	Code  verdict.Code `json:"code"`
}

// NodeOutcome is what was decided on a node.
type NodeOutcome struct {
	Node        string       `json:"node"`
	Group       string       `json:"group"`
	Utilization float64      `json:"utilization"`
	Code        verdict.Code `json:"code"`
}

// GroupOutcome is what was decided on a group.
type GroupOutcome struct {
	Group string       `json:"group"`
	Code  verdict.Code `json:"code"`
}

// RoomOutcome is how a headroom stands.
type RoomOutcome struct {
	Name    string       `json:"name"`
	Fits    int          `json:"fits"`
	Coming  int          `json:"coming"`
	Missing int          `json:"missing"`
	Code    verdict.Code `json:"code"`
}

// OutcomeOf is that of the plan.
func OutcomeOf(p *plan.Plan) *Outcome {
	o := &Outcome{
		Cluster: p.Cluster.Code, ScaleUp: p.ScaleUp, GiveUp: p.GiveUp, Unregistered: p.Unregistered,
		ScaleDown: p.ScaleDown, Resume: p.Resume, Unneeded: p.Unneeded,
	}
	for i := range p.Pending {
		o.Pods = append(o.Pods, PodOutcome{p.Pending[i].Pod, p.Pending[i].Group, p.Pending[i].Verdict.Code})
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		o.Nodes = append(o.Nodes, NodeOutcome{n.Node, n.Group, n.Utilization, n.Verdict.Code})
	}
	for _, g := range p.Groups {
		o.Groups = append(o.Groups, GroupOutcome{g.Subject.Name, g.Code})
	}
	for _, h := range p.Headroom {
		o.Headroom = append(o.Headroom, RoomOutcome{h.Name, h.Fits, h.Coming, h.Missing, h.Verdict.Code})
	}
	return o
}

// mostDifferences bounds what is said of each list.
const mostDifferences = 3

// Differences says in what the other outcome differs from this one, a line each; nothing where it does not. Of each list
// it names the first few.
func (o *Outcome) Differences(other *Outcome) []string {
	var out []string
	a, b := reflect.ValueOf(o).Elem(), reflect.ValueOf(other).Elem()
	for i := range a.NumField() {
		name, _ := a.Type().Field(i).Tag.Lookup("json")
		if a.Field(i).Kind() != reflect.Slice {
			if was, is := asJSON(a.Field(i)), asJSON(b.Field(i)); was != is {
				out = append(out, fmt.Sprintf("%s: was %s, is %s", name, was, is))
			}
			continue
		}
		out = append(out, differences(name, a.Field(i), b.Field(i))...)
	}
	return out
}

func differences(name string, a, b reflect.Value) []string {
	var out []string
	found := 0
	for i := range max(a.Len(), b.Len()) {
		was, is := "nothing", "nothing"
		if i < a.Len() {
			was = asJSON(a.Index(i))
		}
		if i < b.Len() {
			is = asJSON(b.Index(i))
		}
		if was == is {
			continue
		}
		if found++; found <= mostDifferences {
			out = append(out, fmt.Sprintf("%s[%d]: was %s, is %s", name, i, was, is))
		}
	}
	if found > mostDifferences {
		out = append(out, fmt.Sprintf("%s: %d more differences", name, found-mostDifferences))
	}
	return out
}

// asJSON is the value as JSON, in which a list that is empty is one that is not there.
func asJSON(v reflect.Value) string {
	raw, err := json.Marshal(v.Interface())
	if err != nil {
		return err.Error()
	}
	return string(bytes.ReplaceAll(raw, []byte("[]"), []byte("null")))
}
