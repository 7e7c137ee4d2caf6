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
	// shortest is the length of the shortest secret that is looked for. A shorter one would hide half of any text.
	shortest = 4
	// longestWindow bounds how much of a long secret may stay, since a text may be cut in the middle of a secret.
	longestWindow = 8
	// looked is how much of a text is searched; the rest is cut off.
	looked = 16 << 10
	// hidden replaces a secret.
	hidden = "(secret)"
	// between separates texts that are searched together. No form of a secret contains it.
	between = "\n\x00\n"
)

// Secrets are values that must not be shown, but that a client library's or a server's text may repeat. The zero value
// has none.
type Secrets struct{ values []string }

// Add adds secret values. Of a value with several lines, such as a key, each line is a secret.
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

// openWords are values that may be set as secrets but reveal nothing. Hiding them would make other texts unreadable.
func openWords() []string {
	return []string{"true", "false", "enable", "disable", "default"}
}

// AddAddress adds the user, the password and the parameters of an address.
func (s *Secrets) AddAddress(address string) { s.Add(addressSecrets(address)...) }

// Hide is text without the secrets: as they are, quoted, in JSON, escaped for a URL and in base64, whole or in part. It
// is for texts that are shown, so it cuts long ones.
func (s *Secrets) Hide(text string) string { return s.HideEach([]string{text})[0] }

// HideEach is Hide for several texts at the cost of one, since reading the secrets is the expensive part.
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

// searched is a text that is searched for secrets.
type searched struct {
	text  string
	marks []bool
	found bool
	// places has the positions of the unmarked pieces of the text, by their length.
	places [longestWindow + 1]map[piece][]int
	// begins has the hashes of the starts of the text's pieces. For nearly all pieces of a long secret it shows,
	// without a look at places, that the text does not have them.
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

// has is false if no piece of the text starts as p does.
func (t *searched) has(p piece) bool {
	h := p.hash()
	return t.begins[h/64]&(1<<(h%64)) != 0
}

// placesOf has the positions of the pieces of n bytes.
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

// hash is the hash of the first four bytes, the length of the shortest piece.
func (p piece) hash() uint16 {
	return uint16(uint32(p>>32) * 2654435761 >> 16) // the multiplier of Knuth's multiplicative hash
}

// pieces returns each piece of n bytes with its position.
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

// mark marks each part of the text that is a piece of form of half its length or of longestWindow. A piece is marked
// once, however often form repeats it: both texts may be a tenant's, and long.
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

// forms are the forms in which a text may contain a secret.
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

// isEscaped is true if some format writes the character in another way.
func isEscaped(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.')
}

// inBase64 is the common part of the base64 of all texts with the secret. The secret may start at each of three
// offsets, and the characters at its edges depend on the text around it.
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

// Sent are the secret headers of a request, whoever set them: all values but those of the open headers.
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
