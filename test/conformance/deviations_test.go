package conformance

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// deviation is a difference that is meant.
type deviation struct {
	// id stands at its description in docs/migrate-prometheus-adapter.md.
	id string
	// why ours is better for the user.
	why string
	// forgive gives our answer as it would be without the deviation, or as it is where the deviation does not
	// explain the difference. What remains different is a failure.
	forgive func(exchange) answer
}

// timestamps is the deviation that the examples leave out.
const timestamps = "timestamps"

// deviations are tried in this order, each on what the ones before made of our answer.
func deviations() []deviation {
	return []deviation{
		{
			id:  timestamps,
			why: "a value has the window of its query, and the time of its sample, where the original has none and the time of the request",
			forgive: func(x exchange) answer {
				ours := x.ours
				if !strings.HasPrefix(x.path, resourceV1) {
					window := regexp.MustCompile(`,"window(Seconds)?":\d+`)
					ours.items = each(ours.items, func(item string) string { return window.ReplaceAllLiteralString(item, "") })
				}
				return ours
			},
		},
		{
			id:      "escaped-values",
			why:     "names and values in a regular expression are escaped, so that cache.0 does not match cachex0 too",
			forgive: forgiveQueries(func(q string) string { return strings.ReplaceAll(q, `\\.`, `.`) }),
		},
		{
			id:      "quoted-label-names",
			why:     "a label name that is no plain word is quoted, as Prometheus 3 reads it, where the original's query is refused",
			forgive: quotedLabelNames,
		},
		{
			id:  "not-equals",
			why: "a metricLabelSelector with != is answered; the original asks Prometheus and then fails to repeat the selector",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusInternalServerError && strings.Contains(x.original.message, `"!=" is not a valid`) &&
					(x.ours.status == http.StatusOK || x.ours.status == http.StatusNotFound) && slices.Equal(x.original.queries, x.ours.queries)
			}),
		},
		{
			id:  "selector-refused",
			why: "a selector that PromQL has no counterpart for is a bad request (400), not a metric that is missing (404) or a failure (500)",
			forgive: when(func(x exchange) bool {
				return x.ours.status == http.StatusBadRequest && strings.Contains(x.path, "elector=") && len(x.original.queries)+len(x.ours.queries) == 0 &&
					(x.original.status == http.StatusNotFound || x.original.status == http.StatusInternalServerError)
			}),
		},
		{
			id:  "no-quantity",
			why: "NaN, infinities and what no quantity can hold are no value, where the original says 0 or -9223372036854775808m",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusOK && slices.Equal(x.original.queries, x.ours.queries) && slices.ContainsFunc(x.original.items, odd) &&
					(x.ours.status == http.StatusServiceUnavailable || x.ours.status == http.StatusOK && without(x.original.items, x.ours.items, odd))
			}),
		},
		{
			id:  "unknown-kind",
			why: "objects of a kind that is not there, or that has no namespaces and is asked for in one, are not found (404), where listing them fails in the original (500)",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusInternalServerError && strings.Contains(x.original.message, "unable to list matching resources") &&
					x.ours.status == http.StatusNotFound
			}),
		},
		{
			id:  "query-impossible",
			why: "a rule that can make no query for the request is a failure (500) that says which rule, where the original says that there is no metric (404)",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusNotFound && x.ours.status == http.StatusInternalServerError &&
					strings.Contains(x.ours.message, "metricsQuery of rules[") && len(x.original.queries)+len(x.ours.queries) == 0
			}),
		},
		{
			id:  "several-rows",
			why: "of several rows for one object the last by its labels is served, whatever the order in which Prometheus gives them",
			forgive: when(func(x exchange) bool {
				value := regexp.MustCompile(`"value":"[^"]*"`)
				names := func(item string) string { return value.ReplaceAllLiteralString(item, "") }
				return strings.Contains(x.path, "/several_samples") && x.original.status == http.StatusOK && x.ours.status == http.StatusOK &&
					slices.Equal(x.original.queries, x.ours.queries) && slices.Equal(each(x.original.items, names), each(x.ours.items, names))
			}),
		},
		{
			id:  "colliding-series",
			why: "of two series with one name of a metric the last in the alphabet has it, whatever the order in which Prometheus lists them",
			forgive: when(func(x exchange) bool {
				name := regexp.MustCompile(`[\w:]+\{`)
				anonymous := func(q string) string { return name.ReplaceAllString(q, "{") }
				return len(x.ours.queries) > 0 && slices.Equal(each(x.original.queries, anonymous), each(x.ours.queries, anonymous)) &&
					!slices.Equal(x.original.queries, x.ours.queries)
			}),
		},
		{
			id:      "cluster-scoped-kinds",
			why:     "objects of a custom kind without namespaces are listed, and asked for, without one; the original takes each such kind for one with namespaces",
			forgive: clusterScoped,
		},
		{
			id:  "groups-always-served",
			why: "a group of metrics without rules is served, and has none; the original does not serve it",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusNotFound && slices.Contains(discovery(), x.path) && x.ours.status == http.StatusOK && len(x.ours.items) == 0
			}),
		},
		{
			id:  "prometheus-unavailable",
			why: "a Prometheus that cannot answer is 503 with the cause, where the original says 500 without one",
			forgive: when(func(x exchange) bool {
				return x.original.status == http.StatusInternalServerError && x.ours.status == http.StatusServiceUnavailable &&
					slices.Equal(x.original.queries, x.ours.queries) && len(x.ours.queries) > 0
			}),
		},
		{id: "new-kinds", why: "a rule that names a kind which is not there yet waits for it; the original does not start", forgive: never},
		{id: "refused-at-start", why: "a rule without a query is refused at the start; the original fails at each request", forgive: never},
	}
}

// never is for what is no answer to a request.
func never(x exchange) answer { return x.ours }

// clusterScoped forgives the wrong scope in the list of metrics, and that only one of the two finds the metric.
func clusterScoped(x exchange) answer {
	if strings.Contains(x.path, "/racks.example.com/") {
		finds, misses := x.ours, x.original
		if strings.Contains(x.path, "/namespaces/") {
			finds, misses = misses, finds
		}
		if misses.status == http.StatusNotFound && len(misses.queries) == 0 && (finds.status == http.StatusOK || finds.status == http.StatusNotFound) {
			return x.original
		}
		return x.ours
	}
	ours := x.ours
	ours.items = each(ours.items, func(item string) string {
		if !strings.Contains(item, `"name":"racks.example.com/`) {
			return item
		}
		return strings.Replace(item, `"namespaced":false`, `"namespaced":true`, 1)
	})
	return ours
}

// when takes the original's answer for ours in the case described.
func when(explained func(exchange) bool) func(exchange) answer {
	return func(x exchange) answer {
		if explained(x) {
			return x.original
		}
		return x.ours
	}
}

// forgiveQueries rewrites our queries, if that makes them the original's.
func forgiveQueries(rewrite func(string) string) func(exchange) answer {
	return func(x exchange) answer {
		ours := x.ours
		if rewritten := each(ours.queries, rewrite); slices.Equal(rewritten, x.original.queries) {
			ours.queries = rewritten
		}
		return ours
	}
}

// quotedLabelNames forgives the quotes, and the answer to a query that Prometheus does not refuse with them.
func quotedLabelNames(x exchange) answer {
	quoted := regexp.MustCompile(`"([\w./-]+)"(=~|!~|!=|=)`)
	plain := each(x.ours.queries, func(q string) string {
		return strings.ReplaceAll(quoted.ReplaceAllString(q, "$1$2"), `\\.`, `.`)
	})
	if x.original.status == http.StatusInternalServerError && slices.Equal(plain, x.original.queries) &&
		slices.ContainsFunc(x.ours.queries, quoted.MatchString) {
		return x.original
	}
	return x.ours
}

func each(texts []string, f func(string) string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = f(text)
	}
	return out
}

// odd is true if the value in the original's item means that there is none.
func odd(item string) bool {
	return strings.Contains(item, `"value":"0"`) || strings.Contains(item, `"value":"-9223372036854775808m"`)
}

// without says that fewer are all but some that may be missing, in the same order.
func without(all, fewer []string, may func(string) bool) bool {
	var kept []string
	for _, item := range all {
		if slices.Contains(fewer, item) {
			kept = append(kept, item)
		} else if !may(item) {
			return false
		}
	}
	return slices.Equal(kept, fewer) && len(kept) < len(all)
}
