package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"

	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/prom"
)

// docs/operations.md names every metric that the program registers, with its type and labels, and no other.
func TestOperationsPageNamesTheMetrics(t *testing.T) {
	r := wire(t, "trimtab.yaml", withAllSections())
	documented := map[string]string{}
	for _, row := range rows(t, `^\| (.*) \|$`, 4) {
		if name := strings.Trim(row[0], "`"); strings.HasPrefix(name, "trimtab_") {
			documented[name] = row[1] + " " + row[2]
		}
	}
	// cluster-autoscaler's: several in a row, with their labels in backquotes.
	words := regexp.MustCompile("`([a-z_]+)`")
	labels := map[string][]string{}
	for _, row := range rows(t, "^(`[a-z_`, ]+) \\|(.*)$", 2) {
		for _, name := range words.FindAllStringSubmatch(row[0], -1) {
			for _, label := range words.FindAllStringSubmatch(row[1], -1) {
				labels["cluster_autoscaler_"+name[1]] = append(labels["cluster_autoscaler_"+name[1]], label[1])
			}
			documented["cluster_autoscaler_"+name[1]] = ""
		}
	}
	for name, is := range r.described {
		said, ok := documented[name]
		switch original := strings.HasPrefix(name, "cluster_autoscaler_"); {
		case !ok:
			t.Errorf("%s (%s) is not on the page", name, is)
		case !original && strings.TrimSpace(said) != strings.TrimSpace(is.kind+" "+strings.Join(is.labels, ", ")):
			t.Errorf("%s is %s, and the page says %q", name, is, said)
		case original && slices.ContainsFunc(is.labels, func(l string) bool { return !slices.Contains(labels[name], l) }):
			t.Errorf("%s is %s, and the page says %v", name, is, labels[name])
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("%s is on the page, and nothing registers it", name)
	}
	if len(r.described) < 60 {
		t.Errorf("only %d metrics are registered", len(r.described))
	}
}

// docs/operations.md names every path that is served, and no other.
func TestOperationsPageNamesThePaths(t *testing.T) {
	r := wire(t, "trimtab.yaml", withAllSections())
	served := slices.Sorted(maps.Keys(pages(withAllSections().Server, r.shared, r.services)))
	served = append(served, slices.Sorted(maps.Keys(debugPages(r.shared, r.services)))...)
	slices.Sort(served)
	var documented []string
	for _, row := range rows(t, "^\\| (`/[a-z/]+`) \\|(.*) \\|$", 2) {
		documented = append(documented, strings.Trim(row[0], "`"))
	}
	slices.Sort(documented)
	if !slices.Equal(served, documented) {
		t.Errorf("served are %v, and the page has %v", served, documented)
	}
}

// Each service that waits is named once.
func TestReadinessNamesEachServiceOnce(t *testing.T) {
	r := wire(t, "trimtab.yaml", withAllSections())
	answer := httptest.NewRecorder()
	pages(withAllSections().Server, r.shared, r.services)["/readyz"].ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
	want := `ok       scalers
ok       scalers.answers
waiting  adapter: the metrics API is not listening yet
ok       reload
waiting  vpa.recommender: waits for the first round
waiting  clusterScaler: waits for its first look at the cluster
`
	if answer.Code != 503 || answer.Body.String() != want {
		t.Errorf("%d\n%s\nwant\n%s", answer.Code, answer.Body, want)
	}
}

// docs/operations.md shows each service in the answer of /readyz, and names each budget of requests, and no other. A
// service that asks the API server has a budget of its own, under its own name.
func TestOperationsPageNamesServicesAndBudgets(t *testing.T) {
	r := wire(t, "trimtab.yaml", withAllSections())
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)^(?:ok       [a-zA-Z.]+\n)+").FindString(string(page))
	if want := "ok       " + strings.Join(names(r.services), "\nok       ") + "\n"; shown != want {
		t.Errorf("the page shows\n%s\nand the services are\n%s", shown, want)
	}
	budgets := map[string]bool{}
	families, err := r.shared.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "trimtab_kube_budget_wait_seconds" {
			for _, m := range f.GetMetric() {
				budgets[m.GetLabel()[0].GetValue()] = true
			}
		}
	}
	documented := map[string]bool{}
	_, table, _ := strings.Cut(string(page), "| `part` | Requests |")
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*`) \\|").FindAllStringSubmatch(table, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			documented[strings.Trim(name, "`")] = true
		}
	}
	if !maps.Equal(budgets, documented) {
		t.Errorf("the budgets are %v, and the page has %v", slices.Sorted(maps.Keys(budgets)), slices.Sorted(maps.Keys(documented)))
	}
	for _, sv := range r.services {
		if sv.name != "reload" && !budgets[sv.name] { // which only writes Events, by the shared queue
			t.Errorf("%s has no budget of its own", sv.name)
		}
	}
}

// noted is a part that is ready and has something to say.
type noted struct{ runner }

func (noted) Ready() error { return nil }
func (noted) Note() string { return "rounds in flight: 3 reading" }

// What a part says of itself stands beside its ok, and leaves the answer at 200.
func TestReadinessHasTheNoteOfAPart(t *testing.T) {
	for standsBy, want := range map[bool]string{
		false: "ok       scalers: rounds in flight: 3 reading\n", true: "ok       scalers: standing by, another replica leads\n",
	} {
		answer := httptest.NewRecorder()
		writeReadiness(answer, []service{{name: "scalers", runner: noted{}, leads: true}}, standsBy, false)
		if answer.Code != 200 || answer.Body.String() != want {
			t.Errorf("%d %q, want %q", answer.Code, answer.Body, want)
		}
	}
}

// The running program knows the codes of all parts, and refuses a question with a word that it does not know.
func TestDebugPagesRefuseUnknownWords(t *testing.T) {
	r := wire(t, "trimtab.yaml", withAllSections())
	for query, want := range map[string]string{
		"/debug/decisions?part=clusterScaler&code=FitsNow": "200",
		"/debug/decisions?part=adaptor":                    "400 part \"adaptor\" is unknown; known: adapter, clusterScaler, scalers, vpa",
		"/debug/explain?metrics=x":                         "400 parameter \"metrics\" is unknown; known: metric, namespace, name, selector, pod, node, headroom",
		"/debug/explain?metric=x&namespce=shop":            "400 parameter \"namespce\" is unknown; known: metric, namespace, name, selector, pod, node, headroom",
	} {
		path, _, _ := strings.Cut(query, "?")
		answer := httptest.NewRecorder()
		debugPages(r.shared, r.services)[path].ServeHTTP(answer, httptest.NewRequest("GET", query, nil))
		got := fmt.Sprint(answer.Code)
		if answer.Code != 200 {
			got += " " + strings.TrimSpace(answer.Body.String())
		}
		if got != want {
			t.Errorf("%s answers %s, want %s", query, got, want)
		}
	}
}

// rows are the cells of the lines of docs/operations.md that match.
func rows(t *testing.T, pattern string, cells int) [][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(page)) {
		if !regexp.MustCompile(pattern).MatchString(strings.TrimSuffix(line, "\n")) {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		if inner, ok := strings.CutPrefix(line, "|"); ok {
			line = strings.TrimSuffix(inner, "|")
		}
		row := strings.Split(line, "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) == cells {
			out = append(out, row)
		}
	}
	return out
}

// program is all parts as they are wired, and what they have registered.
type program struct {
	shared    shared
	services  []service
	described map[string]metric
}

type metric struct {
	kind   string
	labels []string
}

func (m metric) String() string { return fmt.Sprintf("%s with the labels %v", m.kind, m.labels) }

// recorder describes what is registered. A registry itself shows a vector with its first value only.
type recorder struct {
	*prometheus.Registry
	described map[string]metric
}

func (r *recorder) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

func (r *recorder) Register(c prometheus.Collector) error {
	descriptions := make(chan *prometheus.Desc, 1000)
	c.Describe(descriptions)
	close(descriptions)
	kind := regexp.MustCompile(`(?i)counter|gauge|histogram`).FindString(fmt.Sprintf("%T", c))
	if _, ok := c.(prometheus.Histogram); ok { // its type is not exported
		kind = cmp.Or(kind, "histogram")
	}
	for d := range descriptions {
		found := regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`).FindStringSubmatch(d.String())
		m := metric{kind: strings.ToLower(kind)}
		if found[2] != "" {
			m.labels = strings.Split(found[2], ",")
		}
		r.described[found[1]] = m
	}
	return r.Registry.Register(c)
}

// nobodysKubeconfig leads to a port on which nobody listens.
const nobodysKubeconfig = `
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: x, user: {token: x}}]
`

// wire makes the parts of a configuration, with nothing behind them.
func wire(t *testing.T, path string, cfg *configFile) program {
	t.Helper()
	r, err := assemble(t.TempDir(), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// assemble makes the parts as run does.
func assemble(dir, path string, cfg *configFile) (program, error) {
	r := &recorder{Registry: prometheus.NewRegistry(), described: map[string]metric{}}
	log := slog.New(slog.DiscardHandler)
	away := cfg.Kubernetes
	away.Kubeconfig = filepath.Join(dir, "kubeconfig")
	err := os.WriteFile(away.Kubeconfig, []byte(nobodysKubeconfig), 0o600)
	if err != nil {
		return program{}, err
	}
	s := shared{log: log, registry: r, ending: new(atomic.Bool), journal: newJournal(cfg.Server.Decisions, log, r)}
	if s.kube, err = kube.New(away, log, r); err != nil {
		return program{}, err
	}
	scheme := s.kube.Client.Scheme()
	s.kube.Mapper, s.kube.Cache = testrestmapper.TestOnlyStaticRESTMapper(scheme), &informertest.FakeInformers{Scheme: scheme}
	if s.prom, err = prom.NewClient(*cfg.Prometheus, prom.Deps{Registry: r}); err != nil {
		return program{}, err
	}
	services, err := build(path, cfg, s)
	return program{s, services, r.described}, err
}
