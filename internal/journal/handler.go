package journal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"text/tabwriter"
	"time"
)

// ServeHTTP answers /debug/decisions: the newest first, as a table for people, or as JSON with
// `?format=json` or an Accept header that asks for it. `part`, `subject`, `code` and `limit` (200) narrow it.
func (j *Journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := Filter{Part: q.Get("part"), Subject: q.Get("subject"), Code: q.Get("code"), Limit: 200}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			http.Error(w, fmt.Sprintf("limit %q is not a number above zero", s), http.StatusBadRequest)
			return
		}
		f.Limit = n
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
		fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%s\n", e.First.Format(time.TimeOnly), e.Last.Format(time.TimeOnly), e.Times, e.Part, e.Subject, e.Message)
	}
	_ = tw.Flush()
}
