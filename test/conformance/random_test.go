package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	randomFiles    = 4
	randomRequests = 50 // of each file
)

// compareRandom makes rule files of pieces and asks both programs what comes to mind. The seeds are fixed.
func (s *scene) compareRandom(ctx context.Context, t *testing.T) {
	for seed := range uint64(randomFiles) {
		name := fmt.Sprintf("random-%d", seed)
		t.Run(name, func(t *testing.T) {
			r := &roll{rand.New(rand.NewPCG(seed, 1))}
			both := startPair(ctx, t, s.lab, s.prometheus, name, r.file())
			custom, external := s.listed(ctx, t, both)
			var paths []string
			for range randomRequests {
				paths = append(paths, r.request(s.world, custom, external))
			}
			s.compareAll(ctx, t, both, paths)
		})
	}
}

// roll draws by chance.
type roll struct{ *rand.Rand }

func (r *roll) one(of ...string) string { return of[r.IntN(len(of))] }

func (r *roll) often(percent int) bool { return r.IntN(100) < percent }

func (r *roll) file() string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 8 {
		b.WriteString(r.rule(i, false))
	}
	b.WriteString("externalRules:\n")
	for i := range 4 {
		b.WriteString(r.rule(i, true))
	}
	return b.String()
}

// rule is one that the original starts with. Counters are asked for their rate only, since nothing else of
// them stays as it is from one moment to the next.
func (r *roll) rule(i int, external bool) string {
	counters := r.often(50)
	series := r.one(`{__name__=~"^(queue|widget|node_load).*"}`, `queue_depth{namespace!=""}`, `{__name__=~"^odd_.*",pod!=""}`, `cloud_queue_messages`, `volume_bytes`)
	selector := "<<.Series>>{<<.LabelMatchers>>" + r.one("", `,nothing=""`) + "}"
	if counters {
		series = r.one(`{__name__=~"^http_.*_total$"}`, `{__name__=~"^container_.*_total$",container!="POD"}`, `{__name__=~".*_total$",namespace!=""}`)
		selector = "rate(" + selector + r.one("[2m]", "[4m]", "[5m]") + ")"
	}
	query := r.one("sum", "max", "min", "count") + "(" + selector + ") by (<<.GroupBy>>" + ")"
	if external && r.often(70) {
		query = r.one("sum", "max") + "(" + selector + ")" + r.one("", " by (queue)", " by (pod, code)")
	}
	lines := []string{"- seriesQuery: '" + series + "'"}
	if r.often(30) {
		lines = append(lines, "  seriesFilters: [{"+r.one("is", "isNot")+": '"+r.one("queue", "_total$", "^http", "level|load")+"'}]")
	}
	lines = append(lines, "  resources: {"+r.mapping(external)+"}")
	if name := r.naming(i); name != "" {
		lines = append(lines, "  name: {"+name+"}")
	}
	return strings.Join(append(lines, "  metricsQuery: '"+query+"'"), "\n") + "\n"
}

func (r *roll) mapping(external bool) string {
	overrides := "namespace: {resource: " + r.one("namespace", "namespaces") + "}"
	for _, more := range []string{
		"pod: {resource: pod}", "service: {resource: services}", "node: {resource: node}", "job: {group: batch, resource: job}",
		"widget: {group: example.com, resource: widget}",
	} {
		if r.often(60) {
			overrides += ", " + more
		}
	}
	parts := r.one("template: '<<.Resource>>'", "overrides: {"+overrides+"}", "template: 'x_<<.Resource>>', overrides: {"+overrides+"}")
	if external && r.often(50) {
		parts += ", namespaced: false"
	}
	return parts
}

func (r *roll) naming(i int) string {
	return r.one("", "", fmt.Sprintf("as: metric_%d", i), "matches: '^(.*)_total$'", "matches: '_(.*)$', as: 'x_$1'", "matches: '^([^_]*)_(.*)$', as: '${2}_${1}'", "matches: 'e'")
}

// request is about something that is listed, mostly.
func (r *roll) request(w world, custom, external []entry) string {
	ns := r.one("shop", "shop", "bank", "nowhere")
	if len(custom) == 0 || len(external) > 0 && r.often(30) {
		metric := "unknown"
		if len(external) > 0 {
			metric = external[r.IntN(len(external))].Name
		}
		return externalV1 + "/namespaces/" + ns + "/" + metric + query("labelSelector", r.selector())
	}
	e := custom[r.IntN(len(custom))]
	resource, metric, _ := strings.Cut(e.Name, "/")
	version := r.one(customV1, customV2)
	if resource == "namespaces" {
		return version + "/namespaces/" + r.one(ns, "*") + "/metrics/" + metric + query("metricLabelSelector", r.selector())
	}
	place := version + "/"
	if e.Namespaced != r.often(5) {
		place += "namespaces/" + ns + "/"
	}
	name := r.one(append(w.names(resource, ""), "*", "*", "*")...)
	return place + resource + "/" + name + "/" + metric + query("labelSelector", r.one("", "", "app=web", "app in (web,db)", "!tier"), "metricLabelSelector", r.selector())
}

func (r *roll) selector() string {
	if r.often(50) {
		return ""
	}
	label := r.one("code", "service", "queue", "region", "container", "namespace", "nothing", "a/b")
	switch value := r.one("200", "web", "orders", "shop", "main", "eu", "a.b"); r.IntN(7) {
	case 0:
		return label + "=" + value
	case 1:
		return label + "!=" + value
	case 2:
		return label + " in (" + value + "," + r.one("500", "api", "mail", "us") + ")"
	case 3:
		return label + " notin (" + value + ")"
	case 4:
		return label
	case 5:
		return "!" + label
	default:
		return label + "=" + value + "," + r.one("pod", "code!=500", "queue in (orders)", "x>1")
	}
}
