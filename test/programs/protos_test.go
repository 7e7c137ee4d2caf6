package programs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/trimtab/trimtab/test/programs"
)

// What `make protos` makes is what is checked in.
func TestTheProtocolIsMadeFromItsFile(t *testing.T) {
	t.Parallel()
	root, err := programs.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	const folder = "clusterscaler/externalgrpc/protocol"
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "-C", filepath.Join(root, "test/programs/protos"), ".", root, folder+"/externalgrpc.proto", out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	made, err := filepath.Glob(filepath.Join(out, "*.pb.go"))
	if err != nil || len(made) != 2 {
		t.Fatalf("made %v, %v", made, err)
	}
	for _, file := range made {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, folder, filepath.Base(file)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what `make protos` makes (%v)", filepath.Base(file), err)
		}
	}
}
