package scheduler_test

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab/test/scheduler"
)

const (
	aNode   = "apiVersion: v1\nkind: Node\nmetadata: {name: a-1}\n---\n"
	aPod    = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c}]}\n---\n"
	runs    = "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec: {nodeName: a-1, containers: [{name: c}]}\n---\n"
	asksWeb = "steps:\n- ask: web\n  want: [a-1: fits]\n"
)

// What is wrong in a text case is refused, by file, line, path and value.
func TestReadIsStrict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{aNode + aPod + asksWeb, ""},
		{"# a comment\n---\n" + aNode + aPod + asksWeb, ""},
		{"", `x.yaml: steps: nothing is asked`},
		{aNode + strings.TrimSuffix(aPod, "---\n"), `x.yaml: document 2, from line 5: the steps are the last document, and no other`},
		{asksWeb + "---\n" + aNode + aPod + asksWeb, `x.yaml: document 1, from line 1: the steps are the last document`},
		{aNode + "a: [\n---\n" + asksWeb, `x.yaml: document 2, from line 5: yaml: `},
		{aNode + strings.Replace(aPod, "containers", "container", 1) + asksWeb, `x.yaml: document 2, from line 5 (Pod web): strict decoding error: unknown field "spec.container"`},
		{aNode + strings.Replace(aPod, "kind: Pod", "kind: Pid", 1) + asksWeb, `x.yaml: document 2, from line 5 (Pid web): no kind "Pid" is registered`},
		{aNode + strings.Replace(aPod, "kind: Pod\n", "", 1) + asksWeb, `x.yaml: document 2, from line 5 (no kind web): `},
		{aNode + strings.Replace(aPod, "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c}]}", "kind: Secret\nmetadata: {name: web}", 1) + asksWeb,
			`(Secret web): kube-scheduler is asked about no object of this kind`},
		{aNode + strings.Replace(aPod, "name: web", "", 1) + asksWeb, `x.yaml: document 2, from line 5 (Pod): metadata.name is missing`},
		{aNode + aPod + aPod + asksWeb, `x.yaml: document 3, from line 10 (Pod web): there is another one of that name`},
		{aNode + strings.Replace(aPod, "{name: web}", "{name: web, name: db}", 1) + asksWeb, `already set in map`},
		{aNode + aPod + strings.Replace(runs, "a-1", "b-1", 1) + asksWeb, `x.yaml: pod db: spec.nodeName: there is no node "b-1"`},
		{aNode + aPod + strings.Replace(runs, "nodeName: a-1, ", "", 1) + asksWeb, `x.yaml: pod db neither runs (spec.nodeName) nor is in any step`},
		{aNode + aPod + "steps: {}\n", `x.yaml: line 10: steps: a list of steps is needed`},
		{aNode + aPod + "steps: []\n", `x.yaml: steps: nothing is asked`},
		{aNode + aPod + asksWeb + "other: 1\n", `x.yaml: line 13: the last document: unknown key "other"; known are steps`},
		{aNode + aPod + "steps:\n- web\n", `x.yaml: line 11: steps[0]: "web" is not one of the keys`},
		{aNode + aPod + "steps:\n- ask: web\n  wants: []\n", `x.yaml: line 12: steps[0]: unknown key "wants"; known are place, on, take, ask, want`},
		{aNode + aPod + "steps:\n- ask: web\n  ask: web\n", `x.yaml: line 12: steps[0]: ask is there twice`},
		{aNode + aPod + "steps:\n- ask: web\n  take: web\n", `x.yaml: line 11: steps[0]: take and ask are two steps`},
		{aNode + aPod + "steps:\n- on: a-1\n", `x.yaml: line 11: steps[0]: one of place, take and ask is needed`},
		{aNode + aPod + "steps:\n- ask:\n", `x.yaml: line 11: steps[0].ask: a name is needed`},
		{aNode + aPod + "steps:\n- ask: [web]\n", `x.yaml: line 11: steps[0].ask: a name is needed`},
		{aNode + aPod + "steps:\n- place: web\n", `x.yaml: line 11: steps[0]: place has on`},
		{aNode + aPod + "steps:\n- ask: web\n  on: a-1\n", `x.yaml: line 11: steps[0]: place has on, with a node, and no other has it`},
		{aNode + aPod + "steps:\n- place: web\n  on: a-1\n  want: [a-1: fits]\n", `x.yaml: line 13: steps[0].want: ask, and no other`},
		{aNode + aPod + "steps:\n- ask: web\n  want: []\n", `x.yaml: line 12: steps[0].want: ask, and no other, has a list`},
		{aNode + aPod + "steps:\n- ask: web\n  want: {a-1: fits}\n", `x.yaml: line 12: steps[0].want: ask, and no other, has a list`},
		{aNode + aPod + "steps:\n- ask: web\n  want: [{a-1: fits, a-2: fits}]\n", `x.yaml: line 12: steps[0].want[0]: one node and one answer are needed`},
		{aNode + aPod + "steps:\n- ask: web # first\n", `x.yaml: line 11: steps[0]: a comment that would be lost`},
		{aNode + aPod + "steps:\n- ask: web\n  want:\n  # none\n  - a-1: fits\n", `x.yaml: line 14: steps[0]: a comment that would be lost`},
		{aNode + aPod + asksWeb + "# at the end\n", `x.yaml: line 10: a comment below the steps would be lost`},
		{aNode + aPod + "steps:\n- ask: cache\n  want: [a-1: fits]\n", `x.yaml: line 11: steps[0]: ask cache: there is no pod "cache"`},
		{aNode + aPod + "steps:\n- ask: web\n  want: [a-2: fits]\n", `x.yaml: line 11: steps[0]: ask web: there is no node "a-2"`},
		{aNode + aPod + "steps:\n- place: web\n  on: a-2\n", `x.yaml: line 11: steps[0]: place web: there is no node "a-2"`},
		{aNode + aPod + "steps:\n- take: web\n", `x.yaml: line 11: steps[0]: take web: it does not run by then`},
		{aNode + aPod + "steps:\n- place: web\n  on: a-1\n- ask: web\n", `x.yaml: line 13: steps[1]: ask web: it runs by then, on a-1`},
		{aNode + runs + "steps:\n- take: db\n", `x.yaml: line 11: steps[0]: take db: it runs from the start (spec.nodeName), and stays`},
		{aNode + runs + "steps:\n- place: db\n  on: a-1\n", `x.yaml: line 11: steps[0]: place db: it runs by then, on a-1`},
	} {
		_, err := scheduler.Read("x.yaml", []byte(c.text))
		if got := errorText(err); got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nerror %q, want %q", c.text, got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Writing the answers anew leaves all else as it was, comments included.
func TestRewriteKeepsTheRest(t *testing.T) {
	t.Parallel()
	rest := "# What it shows.\n---\n" + strings.Replace(aNode, "kind: Node", "kind: Node # the only one", 1) + aPod
	for _, head := range []string{"", "# What follows\n# is asked.\n"} {
		text := rest + head + "steps:\n# first\n# of all\n- place: web\n  on: a-1\n# not any more\n- take: web\n- ask: web\n  want:\n  - a-1: nothing of the kind\n"
		c, err := scheduler.Read("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if again := string(c.Rewrite([]byte(text))); again != text {
			t.Errorf("rewritten without a change:\n%s\n--- of\n%s", again, text)
		}
		c.Steps[2].Want[0].Says = "VolumeBinding (it: says #1)"
		want := strings.Replace(text, "nothing of the kind", "'VolumeBinding (it: says #1)'", 1)
		if again := string(c.Rewrite([]byte(text))); again != want {
			t.Errorf("rewritten:\n%s\n--- want\n%s", again, want)
		}
	}
}
