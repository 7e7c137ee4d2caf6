package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFileHasALimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	for _, endless := range []string{path, "/dev/zero"} {
		if data, err := ReadFile(endless, 4); data != nil || err == nil || !strings.Contains(err.Error(), endless+": the file has more than 4 bytes") {
			t.Errorf("%s: %q, %v", endless, data, err)
		}
	}
	if _, err := ReadFile(path+"x", 5); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}
