package prom

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/trimtab/trimtab/internal/config"
)

// Each example of docs/prometheus.md is accepted, and its table has each setting with its default.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/prometheus.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, part := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		var file struct {
			Prometheus *Config `yaml:"prometheus"`
		}
		if err := config.Decode("example", []byte(text), &file); err != nil || file.Prometheus == nil {
			t.Errorf("%s\n%v", text, err)
		}
		examples++
	}
	if examples < 3 {
		t.Errorf("%d examples", examples)
	}
	defaults := DefaultConfig()
	v := reflect.ValueOf(defaults)
	for i := range v.NumField() {
		value, err := yaml.Marshal(v.Field(i).Interface())
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(value))
		if v.Field(i).IsZero() {
			text = "none"
		}
		if row := fmt.Sprintf("\n| `%s` | %s | ", v.Type().Field(i).Tag.Get("yaml"), text); !strings.Contains(string(page), row) {
			t.Errorf("there is no row %s", row)
		}
	}
}
