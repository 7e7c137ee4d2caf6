package delegate

import (
	"net/http"
	"strings"
	"testing"
)

// A delegate that repeats the request, as it is or in the status of an API, does not make trimtab's token known.
func TestADelegateThatRepeatsTheTokenRevealsNothing(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjAifQ"
	for _, body := range []string{"Authorization: Bearer " + token, `{"kind":"Status","message":"bad token ` + token + `"}`, strings.Repeat("x", 100) + token} {
		for _, code := range []int{401, 403, 404, 500, 302} {
			resp := &http.Response{StatusCode: code, Header: http.Header{}, Request: &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}}
			if f := refusal(resp, []byte(body)); strings.Contains(f.message, token[:8]) || !strings.Contains(f.message, "(secret)") {
				t.Errorf("%d: %s", code, f.message)
			}
		}
	}
}
