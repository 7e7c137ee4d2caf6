package text

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLinesAreShortPrintableAndSayThatTheyWereCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"a\nb\n":                  "a; b",
		"tab\tbell\a esc\x1b[31m": "tab bell  esc [31m",
		"größe 10 µs":             "größe 10 µs",
		"no\xffutf8":              "no\ufffdutf8",
		"left\u202eright\u2028":   "left right ",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Squeezed(" a\n\tb \x00 c\x1b[31m  "); got != "a b c [31m" {
		t.Errorf("Squeezed is %q", got)
	}
	for _, unit := range []string{"x", "ä", "\n", "\xff", "日", "\x00", `"`} {
		for _, n := range []int{Most/len(unit) - 1, Most / len(unit), Most, Most + 1, 5 << 20} {
			in := strings.Repeat(unit, n) + "."
			got := Line(in)
			if len(got) > Most || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%d times %q: %d bytes, %q", n, unit, len(got), got)
			}
			if says := strings.HasSuffix(got, fmt.Sprintf("... (cut, of %d bytes)", len(in))); says == strings.HasSuffix(got, ".") {
				t.Errorf("%d times %q: says that it was cut: %v; %q", n, unit, says, got[max(0, len(got)-60):])
			}
			if Line(got) != got {
				t.Errorf("a Line of %q is another", got)
			}
		}
	}
	big := strings.Repeat("ä", 5<<20)
	if got := Short(big); len(got) > 80 || !strings.HasSuffix(got, "...") {
		t.Errorf("Short is %q", got)
	}
	if got := Quote(big); len(got) > 90 || !strings.HasSuffix(got, `"...`) {
		t.Errorf("Quote is %q", got)
	}
}

func TestJoinedErrorsTellTenAndCountTheOthers(t *testing.T) {
	t.Parallel()
	if Join() != nil || Join(nil, nil) != nil {
		t.Error("no errors are an error")
	}
	last := errors.New("e12")
	many := []error{nil}
	for i := range 12 {
		many = append(many, fmt.Errorf("e%d", i))
	}
	got := Join(Join(many...), errors.Join(errors.New("x"), last), Join(many[1]))
	want := "e0\ne1\ne2\ne3\ne4\ne5\ne6\ne7\ne8\ne9\nand 5 more"
	if got.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !errors.Is(got, many[1]) || errors.Is(got, last) {
		t.Error("the errors told are not those that are found, or others are")
	}
	var names []string
	for i := range 4998 {
		names = append(names, fmt.Sprint(i))
	}
	if got := List(names, ", "); got != "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 4988 more" {
		t.Errorf("List is %q", got)
	}
}

func TestAddressesAreShownWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"redis:6379":                         "redis:6379",
		"redis://:geheim@host:6379/0":        "redis://host:6379/0",
		"user:geheim@host:6379":              "host:6379",
		"http://u:geheim@prom/api?t=geheim2": "http://prom/api",
		"http://prom/a#geheim":               "http://prom/a",
		"redis://:geh@eim/?#geheim@host":     "redis://host",
		"geheim://x@host":                    "geheim://host",
		"u:geheim://x@host":                  "host",
		"":                                   "",
		"[2001:db8::1]:6379":                 "[2001:db8::1]:6379",
	} {
		if got := Address(in); got != want {
			t.Errorf("Address(%q) = %q, want %q", in, got, want)
		}
	}
	var s Secrets
	s.AddAddress("http://maria:ge%21heim1@prom/api?token=zwei-geheim2&x=1")
	if got := s.Hide(`maria ge%21heim1 ge!heim1 zwei-geheim2 prom api token`); got != "(secret) (secret) (secret) (secret) prom api token" {
		t.Error(got)
	}
}

func TestNoPartOfASecretStaysInAText(t *testing.T) {
	t.Parallel()
	key := "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA0123456789abcdef\nZYXWVUTSRQPONMLK\n-----END KEY-----\n"
	for _, secret := range []string{"s3cr3t-MARK", `pa"ss\wörd <&> +/%`, "four", "a8chars!", strings.Repeat("0123456789abcdefghijklmnop", 90)} {
		var s Secrets
		s.Add(secret, "", "abc", key)
		inJSON, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for name, form := range map[string]string{
			"plain": secret, "quoted": fmt.Sprintf("%q", secret), "json": string(inJSON),
			"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "userinfo": url.UserPassword("u", secret).String()[2:],
			"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "basic": base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
			"basic, other user": base64.StdEncoding.EncodeToString([]byte("users:" + secret)), "base64url": base64.URLEncoding.EncodeToString([]byte("ab" + secret + "cd")),
			"a line of a key": "MIIEowIBAAKCAQEA0123456789abcdef",
		} {
			got := s.Hide("begin >" + form + "< end")
			left := strings.TrimSuffix(strings.TrimPrefix(got, "begin >"), "< end")
			if strings.ReplaceAll(left, "(secret)", "") == left || len(strings.ReplaceAll(left, "(secret)", "")) > 12 {
				t.Errorf("%s of %.30q: %q stays", name, secret, left)
			}
			if strings.Contains(got, secret) || !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "end") {
				t.Errorf("%s of %.30q: %q", name, secret, got)
			}
		}
		// A library may have cut the text in the middle of the secret.
		if n := len(secret); n >= 8 && n < 100 {
			if got := s.Hide("cut " + secret[:n-2] + "..."); strings.Contains(got, secret[:4]) {
				t.Errorf("a part of %q stays in %q", secret, got)
			}
		}
	}
	var none *Secrets
	if none.Hide("text") != "text" {
		t.Error("no secrets change a text")
	}
	var s Secrets
	s.Add("s3cr3t-MARK")
	if got := s.Hide(strings.Repeat("x", 5<<20) + "s3cr3t-MARK"); len(got) > 16<<10 || strings.Contains(got, "MARK") {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzHide(f *testing.F) {
	f.Add("s3cr3t-MARK", "dial redis://:s3cr3t-MARK@host: refused")
	f.Add("aaaa", "aaaaaaaa")
	f.Fuzz(func(t *testing.T, secret, text string) {
		if strings.ContainsAny(secret, "\r\n") {
			return
		}
		var s Secrets
		s.Add(secret)
		secret = strings.TrimSpace(secret)
		if got := s.Hide(text + secret); len(secret) >= 4 && len(text) < 1000 && !strings.HasPrefix(secret, "-----") && strings.Contains(got, secret) && !strings.Contains("(secret)", secret) {
			t.Errorf("%q stays in %q", secret, got)
		}
		if got := Line(text); len(got) > Most || Line(got) != got {
			t.Errorf("%q is no line", got)
		}
	})
}
