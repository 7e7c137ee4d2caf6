package prom

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	var asked string
	handle := func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Method + " " + r.URL.EscapedPath() + " " + r.Form.Encode()
		answer(200, `{"status":"success","data":["a","größe"],"warnings":["partial"]}`)(w, r)
	}
	post := serve(t, handle, nil)
	get := serve(t, handle, func(c *Config) { c.Verb = "GET" })
	start, end := time.UnixMilli(1500), time.UnixMilli(2000)
	values := func(c *Client, label string) func() ([]string, []string, error) {
		return func() ([]string, []string, error) {
			return c.LabelValues(t.Context(), label, []string{"up", `x{a="b"}`}, start, end)
		}
	}
	for _, c := range []struct {
		ask  func() ([]string, []string, error)
		want string
	}{
		{values(post, "pod"), "GET /prefix/api/v1/label/pod/values end=2.000&match%5B%5D=up&match%5B%5D=x%7Ba%3D%22b%22%7D&start=1.500&timeout=10s"},
		{values(get, "__name__"), "GET /prefix/api/v1/label/__name__/values end=2.000&match%5B%5D=up&match%5B%5D=x%7Ba%3D%22b%22%7D&start=1.500&timeout=10s"},
		{func() ([]string, []string, error) {
			return get.LabelValues(t.Context(), "k8s.pod/name", nil, time.Time{}, time.Time{})
		}, "GET /prefix/api/v1/label/U__k8s_2e_pod_2f_name/values timeout=10s"},
		{func() ([]string, []string, error) {
			return post.LabelNames(t.Context(), []string{"up"}, start, time.Time{})
		}, "POST /prefix/api/v1/labels match%5B%5D=up&start=1.500&timeout=10s"},
		{func() ([]string, []string, error) { return get.LabelNames(t.Context(), nil, start, end) }, "GET /prefix/api/v1/labels end=2.000&start=1.500&timeout=10s"},
	} {
		list, warnings, err := c.ask()
		if err != nil || !slices.Equal(list, []string{"a", "größe"}) || !slices.Equal(warnings, []string{"partial"}) || asked != c.want {
			t.Errorf("asked %s\n want %s\nand got %q %q %v", asked, c.want, list, warnings, err)
		}
	}
	for _, label := range []string{"", "a\xff"} {
		if _, _, err := post.LabelValues(t.Context(), label, nil, start, end); err == nil {
			t.Errorf("%q is taken for a label", label)
		} else if kind, _ := KindOf(err); kind != BadQuery {
			t.Errorf("%q: %v", label, err)
		}
	}
}

// Whatever the name, a server that reads U__ finds it again, and the path has one element.
func TestPathName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pod": "pod", "a:b": "a:b", "_x": "_x", "a.b": "U__a_2e_b", "a b/c_d": "U__a_20_b_2f_c__d", "größe": "U__gr_f6__df_e",
		"U__x_y": "U__U____x__y", "U__": "U__U____", "../..": "U___2e__2e__2f__2e__2e_", "0": "U___30_",
	} {
		got := pathName(name)
		if back := model.UnescapeName(got, model.ValueEncodingEscaping); got != want || back != name {
			t.Errorf("%q is %s, want %s, and is read as %q", name, got, want, back)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	body := `{"status":"success","data":[{"__name__":"up","job":"a"},{}],"warnings":["partial"]}`
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(200, body)(w, r) }, nil)
	sets, warnings, err := c.Series(t.Context(), []string{"up"}, time.Now(), time.Now())
	if got := fmt.Sprint(sets, warnings); err != nil || got != `[{__name__="up", job="a"} {}] [partial]` {
		t.Errorf("got %s, %v", got, err)
	}
	for _, body = range []string{`{"status":"success","data":[null]}`, `{"status":"success","data":[{"":"x"}]}`, `{"status":"success","data":{"a":"b"}}`} {
		_, _, err := c.Series(t.Context(), []string{"up"}, time.Now(), time.Now())
		if kind, _ := KindOf(err); kind != BadAnswer {
			t.Errorf("%s: %v", body, err)
		}
	}
}
