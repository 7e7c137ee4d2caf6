package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/trimtab/trimtab/internal/verdict"
)

// ServeHTTP answers /debug/decisions, newest first: as a table for people, or as JSON with `?format=json` or an Accept
// header for it. The parameters `part`, `subject`, `code` and `limit` (200) filter it. A filter that can never match is
// refused with 400, and the answer lists the possible values.
func (j *Journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		http.Error(w, fmt.Sprintf("the query cannot be read: %v", err), http.StatusBadRequest)
		return
	}
	f, err := j.filter(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	entries := j.Recent(f)
	if q.Get("format") == "json" || r.Header.Get("Accept") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"decisions": entries})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SINCE\tLAST\tTIMES\tPART\tSUBJECT\tDECISION")
	for _, e := range entries {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\n", instant(e.First), instant(e.Last), e.Times, e.Part, e.Subject, e.Message)
	}
	_ = tw.Flush()
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// filter reads the parameters.
func (j *Journal) filter(q url.Values) (Filter, error) {
	f := Filter{Part: q.Get("part"), Subject: q.Get("subject"), Code: q.Get("code"), Limit: 200}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if err := oneOf("parameter", name, "", []string{"code", "format", "limit", "part", "subject"}); err != nil {
			return f, err
		}
		if len(q[name]) > 1 {
			return f, fmt.Errorf("parameter %q stands twice", name)
		}
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return f, fmt.Errorf("limit %.80q is not a number above zero", s)
		}
		f.Limit = n
	}
	if err := oneOf("format", q.Get("format"), "", []string{"text", "json"}); err != nil {
		return f, err
	}
	parts := slices.Sorted(maps.Keys(j.severities))
	if err := oneOf("part", f.Part, "", parts); err != nil {
		return f, err
	}
	in := ""
	if f.Part != "" {
		parts, in = []string{f.Part}, " in part "+f.Part
	}
	known := map[verdict.Code]bool{}
	for _, part := range parts {
		for code := range j.severities[part] {
			known[code] = true
		}
	}
	codes := make([]string, 0, len(known))
	for code := range known {
		codes = append(codes, string(code))
	}
	slices.Sort(codes)
	return f, oneOf("code", f.Code, in, codes)
}

// oneOf refuses an unknown value. If nothing is documented, it refuses nothing.
func oneOf(what, value, in string, known []string) error {
	if value == "" || len(known) == 0 || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s %.80q is unknown%s; known: %s", what, value, in, strings.Join(known, ", "))
}
