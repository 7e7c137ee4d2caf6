package recommender

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// docs/vpa.md has each setting, with its default where that is a number, a time or a name, and no other setting.
func TestThePageHasEachSetting(t *testing.T) {
	page, err := os.ReadFile("../../docs/vpa.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = strings.Trim(row[2], "`")
		}
	}
	var c Config
	c.SetDefaults()
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		said, ok := documented[key]
		delete(documented, key)
		switch is := fmt.Sprint(v.Field(i).Interface()); {
		case !ok:
			t.Errorf("%s is not on the page", key)
		case strings.HasSuffix(key, "Query"), v.Field(i).IsZero() && is != "false":
		case said != is:
			t.Errorf("the default of %s is %s, and the page says %s", key, is, said)
		}
	}
	for key := range documented {
		t.Errorf("%s is on the page, and is no setting", key)
	}
}
