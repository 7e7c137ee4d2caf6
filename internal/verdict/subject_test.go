package verdict

import (
	"encoding/json"
	"testing"
)

func TestSubjectsAreTextForPeopleAndKeepTheirNames(t *testing.T) {
	t.Parallel()
	object := On("scaledobject", "shop/web")
	for _, c := range []struct {
		subject    Subject
		text, name string
	}{
		{Subject{}, "", ""},
		{On("cluster", ""), "cluster", ""},
		{On("pod", "shop/web-1"), "pod shop/web-1", "shop/web-1"},
		{object.Part("trigger", "a queue with trigger in its name"), "scaledobject shop/web trigger a queue with trigger in its name", "a queue with trigger in its name"},
		{object.Part("status", ""), "scaledobject shop/web status", ""},
	} {
		if got := c.subject.String(); got != c.text || c.subject.Name != c.name {
			t.Errorf("%#v reads %q, want %q with the name %q", c.subject, got, c.text, c.name)
		}
		raw, err := json.Marshal(Because(c.subject, "X"))
		if want := `{"subject":"` + c.text + `","code":"X"}`; err != nil || string(raw) != want {
			t.Errorf("JSON is %s, %v; want %s", raw, err, want)
		}
	}
}
