package text

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	// shortest is the shortest secret that is looked for: a shorter one would hide half of any text.
	shortest = 4
	// longestWindow bounds how much of a long secret may stay: a text may have been cut in the middle of it.
	longestWindow = 8
	// looked is how much of a text is looked at; the rest is cut.
	looked = 16 << 10
	// hidden stands in the place of a secret.
	hidden = "(secret)"
	// between keeps texts apart that are looked at together: no form of a secret has it.
	between = "\n\x00\n"
)

// Secrets are values that must not be shown, and that a text of a client library or of a server may repeat. The zero
// value has none.
type Secrets struct{ values []string }

// Add takes secret values. Of one with several lines, such as a key, each line is a secret.
func (s *Secrets) Add(values ...string) {
	for _, v := range values {
		for line := range strings.Lines(v) {
			line = strings.TrimSpace(line)
			if len(line) >= shortest && !strings.HasPrefix(line, "-----") && !slices.Contains(openWords(), line) {
				s.values = append(s.values, line)
			}
		}
	}
}

// openWords stand where secrets do, and give nothing away: hidden, they would make other texts unreadable.
func openWords() []string {
	return []string{"true", "false", "enable", "disable", "default"}
}

// AddAddress takes the user, the password and the parameters of an address.
func (s *Secrets) AddAddress(address string) { s.Add(addressSecrets(address)...) }

// Hide is text without the secrets: as they are, quoted, in JSON, escaped for a URL and in base64, whole or in part. It
// is for texts that are shown, and so cuts long ones.
func (s *Secrets) Hide(text string) string { return s.HideEach([]string{text})[0] }

// HideEach is Hide for several texts at the price of one: to go through the secrets is what costs.
func (s *Secrets) HideEach(texts []string) []string {
	if s == nil || len(s.values) == 0 || len(texts) == 0 {
		return texts
	}
	cut := make([]string, len(texts))
	for i, text := range texts {
		cut[i] = text[:min(len(text), looked)]
	}
	whole := strings.Join(cut, between)
	t := newSearched(whole)
	for _, v := range s.values {
		for _, form := range forms(v) {
			t.mark(form)
		}
	}
	if !t.found {
		return cut
	}
	begin := 0
	for i, text := range cut {
		cut[i] = replaced(text, t.marks[begin:])
		begin += len(text) + len(between)
	}
	return cut
}

// searched is a text in which secrets are looked for.
type searched struct {
	text  string
	marks []bool
	found bool
	// places has, by their length, where each piece of the text begins that is not marked yet.
	places [longestWindow + 1]map[piece][]int
	// begins says which beginnings of pieces the text has, by their hash. It tells nearly all pieces of a long secret from
	// those of the text without a look at places.
	begins [1 << 16 / 64]uint64
}

func newSearched(text string) *searched {
	t := &searched{text: text, marks: make([]bool, len(text))}
	for _, p := range pieces(text, shortest) {
		h := p.hash()
		t.begins[h/64] |= 1 << (h % 64)
	}
	return t
}

// has is false where no piece of the text begins as p does.
func (t *searched) has(p piece) bool {
	h := p.hash()
	return t.begins[h/64]&(1<<(h%64)) != 0
}

// placesOf are the places of pieces of n bytes.
func (t *searched) placesOf(n int) map[piece][]int {
	if t.places[n] == nil {
		t.places[n] = make(map[piece][]int, len(t.text))
		for at, p := range pieces(t.text, n) {
			t.places[n][p] = append(t.places[n][p], at)
		}
	}
	return t.places[n]
}

// piece is a text of up to longestWindow bytes, as a number.
type piece uint64

// hash is of the first four bytes, which are as many as the shortest piece has.
func (p piece) hash() uint16 {
	return uint16(uint32(p>>32) * 2654435761 >> 16) // the multiplier of Knuth's multiplicative hash
}

// pieces gives each piece of n bytes, and where it begins.
func pieces(text string, n int) iter.Seq2[int, piece] {
	return func(yield func(int, piece) bool) {
		var p piece
		for i := range len(text) {
			p = p<<8 | piece(text[i])
			if begin := i + 1 - n; begin >= 0 && !yield(begin, p<<(8*(longestWindow-n))) {
				return
			}
		}
	}
}

// mark marks all of the text that is a piece of form, of half its length or of longestWindow. A piece is marked once,
// however often the form repeats it: both texts may be a tenant's, and long.
func (t *searched) mark(form string) {
	n := min(max(len(form)/2, shortest), longestWindow)
	for _, p := range pieces(form, n) {
		if !t.has(p) {
			continue
		}
		places, stands := t.placesOf(n)[p]
		if !stands {
			continue
		}
		t.found = true
		delete(t.places[n], p)
		for _, at := range places {
			for j := range n {
				t.marks[at+j] = true
			}
		}
	}
}

func replaced(text string, marks []bool) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !marks[i]:
			b.WriteByte(text[i])
		case i == 0 || !marks[i-1]:
			b.WriteString(hidden)
		}
	}
	return b.String()
}

// forms are the ways in which a text may repeat a secret.
func forms(secret string) []string {
	out := []string{secret}
	if !strings.ContainsFunc(secret, isEscaped) {
		if lower := strings.ToLower(secret); lower != secret {
			out = append(out, lower)
		}
		return append(out, inBase64(secret)...)
	}
	quoted := strconv.Quote(secret)
	escaped := []string{quoted[1 : len(quoted)-1], url.QueryEscape(secret), url.PathEscape(secret), strings.ToLower(url.QueryEscape(secret))}
	if inJSON, err := json.Marshal(secret); err == nil {
		escaped = append(escaped, string(inJSON[1:len(inJSON)-1]))
	}
	for _, form := range escaped {
		if form != secret {
			out = append(out, form)
		}
	}
	return append(out, inBase64(secret)...)
}

// isEscaped is whether something may write a character in another way.
func isEscaped(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.')
}

// inBase64 is what stands in base64 of any text with the secret in it: its beginning may fall on each of three places, and
// the characters at the edges depend on what is beside it.
func inBase64(secret string) []string {
	var out []string
	for shift := range 3 {
		code := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00\x00"[:shift] + secret))
		from := (shift*8 + 5) / 6
		to := (shift + len(secret)) * 8 / 6
		if to-from < shortest {
			continue
		}
		core := code[from:to]
		out = append(out, core)
		if strings.ContainsAny(core, "+/") {
			out = append(out, strings.ReplaceAll(strings.ReplaceAll(core, "+", "-"), "/", "_"))
		}
	}
	return out
}

// Sent are the secrets among the headers of a request, whoever put them there: the values of all but those that are open.
func Sent(headers map[string][]string, open ...string) *Secrets {
	var s Secrets
	for name, values := range headers {
		if slices.Contains(open, name) {
			continue
		}
		s.Add(values...)
		for _, value := range values {
			scheme, token, _ := strings.Cut(value, " ")
			s.Add(token)
			if pair, err := base64.StdEncoding.DecodeString(token); err == nil && scheme == "Basic" {
				user, password, _ := strings.Cut(string(pair), ":")
				s.Add(user, password)
			}
		}
	}
	return &s
}
