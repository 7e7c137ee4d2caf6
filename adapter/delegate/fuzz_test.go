package delegate

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func FuzzAnswers(f *testing.F) {
	f.Add(values)
	f.Add(list)
	f.Add(strings.NewReplacer("external", "custom", "External", "").Replace(values))
	f.Add(`{"kind":"Status","code":404,"message":"no","details":{"retryAfterSeconds":-1}}`)
	f.Add(items(`{"value":"1e308","timestamp":"2020-01-01T00:00:00Z","window":1}`))
	f.Add(items(`{"value":"-1.5Ei"},{"value":12}`))
	f.Fuzz(func(t *testing.T, body string) {
		var all []string
		if l, err := readExternal([]byte(body)); err == nil {
			for _, v := range l.Items {
				all = append(all, v.Value.String())
			}
		}
		for _, version := range []string{"v1beta1", "v1beta2"} {
			l, err := readCustom(version, Request{Name: "a"}, []byte(body))
			if err == nil && len(l.Items) != 1 {
				t.Errorf("%d values for one object", len(l.Items))
			}
		}
		for _, text := range all {
			if text == "" {
				t.Error("a value that is none")
			}
		}
		for _, api := range []string{CustomAPI, ExternalAPI} {
			if l, err := readListing(api, "external.metrics.k8s.io", "v1beta1", []byte(body)); err == nil && len(l.sorted) != len(l.metrics) {
				t.Errorf("%d metrics, %d sorted", len(l.metrics), len(l.sorted))
			}
		}
		for _, code := range []int{100, 204, 302, 401, 404, 429, 500, 999} {
			failed := refusal(&http.Response{StatusCode: code, Header: http.Header{"Retry-After": {body}}}, []byte(body))
			if s := fmt.Sprint(failed); failed.code < 400 || failed.code > 599 || len(s) > 2*maxMessage+200 || failed.retryAfter < 0 || failed.retryAfter > maxRetryAfter {
				t.Errorf("%d gives %d, %s", code, failed.code, s)
			}
		}
	})
}
