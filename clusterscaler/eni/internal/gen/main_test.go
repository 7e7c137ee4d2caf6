package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const m5 = `{"type":"m5.large","max_enis":3,"ipv4_per_eni":10,"network_cards":1,"hypervisor":"nitro","bare_metal":false,` +
	`"vcpus":2,"memory_mib":8192,"arch":"amd64","trunking_compatible":true,"branch_enis":9}`

const bare = `{"type":"a.metal","max_enis":15,"ipv4_per_eni":50,"network_cards":1,"hypervisor":"unknown","bare_metal":true,` +
	`"vcpus":null,"memory_mib":null,"arch":null,"trunking_compatible":null,"branch_enis":null}`

func generate(t *testing.T, list string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.json"), filepath.Join(dir, "out.go")
	if err := os.WriteFile(in, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(in, out)
	text, readErr := os.ReadFile(out)
	if (err == nil) != (readErr == nil) {
		t.Errorf("error %v, but reading the output gives %v", err, readErr)
	}
	return string(text), err
}

func TestGenerateSortsAndKeepsUnknownApart(t *testing.T) {
	got, err := generate(t, "["+m5+","+bare+"]")
	if err != nil {
		t.Fatal(err)
	}
	want := "" +
		"const table = `a.metal              15  50  1   -    -          -  ?m??\n" +
		"m5.large              3  10  1   9    2       8192  n.yx\n`\n"
	if !strings.HasSuffix(got, want) || !strings.Contains(got, "2 instance types") {
		t.Errorf("got\n%swant it to end in\n%s", got, want)
	}
}

func TestGenerateRefuses(t *testing.T) {
	replace := func(from, to string) string { return "[" + strings.Replace(m5, from, to, 1) + "]" }
	for name, test := range map[string]struct{ list, message string }{
		"no JSON":              {"[", "decode"},
		"a type twice":         {"[" + m5 + "," + m5 + "]", "comes twice"},
		"no name":              {replace("m5.large", ""), "not a name"},
		"a name with a space":  {replace("m5.large", "m5 large"), "not a name"},
		"no interfaces":        {replace(`"max_enis":3`, `"max_enis":0`), "at least 1"},
		"a number too long":    {replace(`"max_enis":3`, `"max_enis":30000`), "too long"},
		"an unknown platform":  {replace("nitro", "kvm"), "hypervisor"},
		"an unknown processor": {replace("amd64", "riscv64"), "architecture"},
	} {
		if _, err := generate(t, test.list); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want %q", name, err, test.message)
		}
	}
}
