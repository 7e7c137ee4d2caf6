package text

import (
	"net/url"
	"strings"
)

// Address is an address that may be shown: without user, password, parameters and fragment. The address may be invalid:
// everything before the last @ counts as a user, since a password may contain any character.
func Address(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || strings.ContainsAny(scheme, "@:/?#") {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + rest
}

// addressSecrets are the parts of an address that Address omits, as they are written and unescaped.
func addressSecrets(address string) []string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	var out []string
	at := strings.LastIndexByte(rest, '@')
	if at >= 0 {
		user, password, _ := strings.Cut(rest[:at], ":")
		out = append(out, user, password)
	}
	_, query, _ := strings.Cut(rest[at+1:], "?")
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' || r == '#' }) {
		_, value, _ := strings.Cut(pair, "=")
		out = append(out, value)
	}
	for _, s := range out {
		if plain, err := url.QueryUnescape(s); err == nil && plain != s {
			out = append(out, plain)
		}
	}
	return out
}
