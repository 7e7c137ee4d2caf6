package callers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/trimtab/trimtab/test/bench/usage"
	"github.com/trimtab/trimtab/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

const (
	own    = "demo"
	secret = "secret-project"
	// connections is server.maxConnections.
	connections = 64
)

// world is a lab with two namespaces, and a caller who has rights in one of them.
type world struct {
	*lab.Lab
	trimtab *lab.Trimtab
	// metrics is the port of the metrics APIs.
	metrics int
	// admin asks the API server as administrator.
	admin *http.Client
	token string
}

// Who may ask in one namespace learns nothing of another, and who may ask nothing keeps nobody from being answered.
func TestCallers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	w := newWorld(ctx, t)
	t.Run("an answer shows the caller's own question", func(t *testing.T) { w.ownQuestion(ctx, t) })
	t.Run("a right is reviewed once for all selectors", func(t *testing.T) { w.reviews(ctx, t) })
	t.Run("no decisions on the plain port", func(t *testing.T) { w.plainPort(ctx, t) })
	t.Run("debug pages by right", func(t *testing.T) { w.debugPages(ctx, t) })
	t.Run("slow connections", func(t *testing.T) { w.slowConnections(ctx, t) })
}

func newWorld(ctx context.Context, t *testing.T) *world {
	l, err := lab.Start(ctx, lab.Options{Out: os.Stderr, Trimtab: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Lab: l}
	t.Cleanup(func() {
		if t.Failed() {
			l.Keep()
			if w.trimtab != nil {
				t.Logf("trimtab said:\n%s", w.trimtab.Process.Tail(40))
			}
		}
		l.Stop()
	})
	prometheus, err := l.StartPrometheus(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{own, secret} {
		if err := l.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}); err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "a"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
		l.Wait(ctx, t, "a pod in "+ns, func(ctx context.Context) error { return l.Client.Create(ctx, pod) })
	}
	if err := prometheus.Push(ctx, func(yield func(lab.Series) bool) {
		for ns, depth := range map[string]float64{own: 3, secret: 666} {
			s := lab.Series{Labels: map[string]string{"__name__": "depth", "namespace": ns, "pod": "a"}}
			for at := -5 * time.Minute; at <= 9*time.Minute; at += 5 * time.Second {
				s.Samples = append(s.Samples, lab.Sample{Time: time.Now().Add(at), Value: depth})
			}
			if !yield(s) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(ctx, rights); err != nil {
		t.Fatal(err)
	}
	ports, err := l.Install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.metrics = ports.MetricsAPI
	debug, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if w.trimtab, err = l.StartTrimtab(ctx, ports, fmt.Sprintf(`
server: {address: "127.0.0.1:%d", debugAddress: "0.0.0.0:%d", maxConnections: %d}
prometheus: {url: %q}
adapter:
  bindAddress: 127.0.0.1
  securePort: %d
  evaluationInterval: 1s
  rules:
  - {seriesQuery: 'depth{pod!=""}', resources: {template: '<<.Resource>>'}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}
  externalRules:
  - {seriesQuery: 'depth{pod!=""}', resources: {template: '<<.Resource>>'}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}
`, ports.HTTP, debug, connections, prometheus.URL, ports.MetricsAPI)); err != nil {
		t.Fatal(err)
	}
	w.trimtab.Debug = fmt.Sprintf("http://127.0.0.1:%d", debug)
	if w.admin, err = l.AdminClient(); err != nil {
		t.Fatal(err)
	}
	clients, err := kubernetes.NewForConfig(l.REST)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := clients.CoreV1().ServiceAccounts(own).CreateToken(ctx, "caller", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.token = granted.Status.Token
	return w
}

const rights = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: caller, namespace: demo}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: metrics, namespace: demo}
rules:
- {apiGroups: [custom.metrics.k8s.io], resources: [pods/depth, pods/absent], verbs: [get]}
- {apiGroups: [external.metrics.k8s.io], resources: [depth], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: metrics, namespace: demo}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: metrics}
subjects: [{kind: ServiceAccount, name: caller, namespace: demo}]
`

const mayDebug = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: trimtab-debug}
rules: [{nonResourceURLs: [/debug/decisions], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: trimtab-debug}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: trimtab-debug}
subjects: [{kind: ServiceAccount, name: caller, namespace: demo}]
`

func (w *world) get(ctx context.Context, client *http.Client, url, token string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// anonymous is a client of the API server without a certificate.
func (w *world) anonymous() *http.Client {
	transport := w.admin.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates, transport.DisableKeepAlives = nil, true
	return &http.Client{Transport: transport}
}

// ask is a request for a custom metric through the API server, as the caller or as administrator.
func (w *world) ask(ctx context.Context, asCaller bool, path string) (int, string, error) {
	client, token := w.admin, ""
	if asCaller {
		client, token = w.anonymous(), w.token
	}
	return w.get(ctx, client, w.REST.Host+"/apis/custom.metrics.k8s.io/v1beta1/namespaces/"+path, token)
}

func (w *world) ownQuestion(ctx context.Context, t *testing.T) {
	// Both namespaces are in demand, so that one query asks for both.
	both := func(ctx context.Context) error {
		for ns, value := range map[string]string{own: `"value":"3"`, secret: `"value":"666"`} {
			code, body, err := w.ask(ctx, false, ns+"/pods/*/depth")
			if err != nil || code != http.StatusOK || !strings.Contains(body, value) {
				return fmt.Errorf("%s: %d %s: %w", ns, code, body, err)
			}
		}
		return nil
	}
	w.Wait(ctx, t, "both namespaces are asked for by one query", func(ctx context.Context) error {
		if err := both(ctx); err != nil {
			return err
		}
		code, body, err := w.get(ctx, http.DefaultClient, w.trimtab.URL+"/metrics", "")
		if err != nil || code != http.StatusOK || !strings.Contains(body, "trimtab_adapter_demanded_families 1") {
			return fmt.Errorf("%d: %w", code, err)
		}
		return nil
	})
	for range 5 { // over several evaluations
		if err := both(ctx); err != nil {
			t.Error(err)
		}
		for path, want := range map[string]int{
			own + "/pods/absent/depth": 404, own + "/pods/a/absent": 404, own + "/pods/a/depth": 200, own + "/pods/*/depth": 200,
			secret + "/pods/a/depth": 403, secret + "/pods/*/depth": 403, own + "%7C" + secret + "/pods/*/depth": 403, ".*/pods/a/depth": 403,
		} {
			code, body, err := w.ask(ctx, true, path)
			if err != nil {
				t.Fatal(err)
			}
			if code != want {
				t.Errorf("%s: %d %s, want %d", path, code, body, want)
			}
			if strings.Contains(body, "666") || strings.HasPrefix(path, own+"/") && strings.Contains(body, secret) {
				t.Errorf("%s shows another namespace: %s", path, body)
			}
			if path == own+"/pods/absent/depth" && !strings.Contains(body, `namespace=\"demo\"`) {
				t.Errorf("it does not show the caller's question: %s", body)
			}
		}
		w.Wait(ctx, t, "the next evaluation", both)
	}
}

// reviews asks the port of the metrics APIs itself, where nobody else has decided before.
func (w *world) reviews(ctx context.Context, t *testing.T) {
	anyone := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ask := func(namespace, selector string) int {
		url := fmt.Sprintf("https://127.0.0.1:%d/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/depth?labelSelector=%s", w.metrics, namespace, selector)
		code, body, err := w.get(ctx, anyone, url, w.token)
		if err != nil || namespace == secret && strings.Contains(body, "666") {
			t.Fatalf("%s: %d %s %v", url, code, body, err)
		}
		return code
	}
	reviewed := func() int {
		calls, err := usage.Audited(w.AuditLog, "system:serviceaccount:"+lab.Namespace+":trimtab")
		if err != nil {
			t.Fatal(err)
		}
		return calls["create subjectaccessreviews"]
	}
	const selectors = 40
	before := reviewed()
	for n := range selectors {
		if code := ask(own, fmt.Sprintf("pod%%3Dp%d", n)); code != http.StatusOK {
			t.Errorf("selector %d: %d", n, code)
		}
	}
	// Others are reviewed meanwhile, such as who reads the lists of the APIs.
	if n := reviewed() - before; n == 0 || n > selectors/4 {
		t.Errorf("%d selectors took %d reviews", selectors, n)
	}
	if code := ask(secret, "pod%3Da"); code != http.StatusForbidden {
		t.Errorf("another namespace: %d", code)
	}
	if err := w.Apply(ctx, strings.ReplaceAll(rights, "external.metrics.k8s.io", "nothing.example.com")); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "a right that was taken away ends at once through the API server", func(ctx context.Context) error {
		url := w.REST.Host + "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + own + "/depth?labelSelector=pod%3Dp0"
		code, body, err := w.get(ctx, w.anonymous(), url, w.token)
		if err == nil && code != http.StatusForbidden {
			err = fmt.Errorf("%d %s", code, body)
		}
		return err
	})
}

func (w *world) plainPort(ctx context.Context, t *testing.T) {
	for _, path := range []string{"/debug/decisions", "/debug/explain?metric=depth", "/debug/pprof/"} {
		code, body, err := w.get(ctx, http.DefaultClient, w.trimtab.URL+path, "")
		if err != nil || code != http.StatusNotFound || strings.Contains(body, secret) || !strings.Contains(body, "server.debugAddress") {
			t.Errorf("%s: %d %s %v", path, code, body, err)
		}
	}
}

func (w *world) debugPages(ctx context.Context, t *testing.T) {
	page := w.trimtab.Debug + "/debug/decisions"
	for token, want := range map[string]int{"": 401, "nonsense": 401, w.token: 403} {
		code, body, err := w.get(ctx, http.DefaultClient, page, token)
		if err != nil || code != want || strings.Contains(body, "SUBJECT") {
			t.Errorf("token %.10q: %d %s %v, want %d", token, code, body, err, want)
		}
	}
	if err := w.Apply(ctx, mayDebug); err != nil {
		t.Fatal(err)
	}
	w.Wait(ctx, t, "a right that was granted counts", func(ctx context.Context) error {
		code, body, err := w.get(ctx, http.DefaultClient, page, w.token)
		if err == nil && (code != http.StatusOK || !strings.Contains(body, "SUBJECT")) {
			err = fmt.Errorf("%d %s", code, body)
		}
		return err
	})
	if code, body, err := w.get(ctx, http.DefaultClient, w.trimtab.Debug+"/debug/explain?metric=depth", w.token); err != nil || code != http.StatusForbidden {
		t.Errorf("a page that was not granted: %d %s %v", code, body, err)
	}
}

// slowConnections holds two hundred connections, half of which say the beginning of a request and half nothing.
func (w *world) slowConnections(ctx context.Context, t *testing.T) {
	for _, address := range []string{strings.TrimPrefix(w.trimtab.URL, "http://"), strings.TrimPrefix(w.trimtab.Debug, "http://")} {
		var held []net.Conn
		for n := range 200 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if n%2 == 0 {
				_, _ = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
			}
			held = append(held, c)
			if n%20 == 19 {
				if code, body, err := w.get(ctx, fresh(), w.trimtab.URL+"/readyz", ""); err != nil || code != http.StatusOK {
					t.Errorf("with %d slow connections: %d %s %v", n+1, code, body, err)
				}
			}
		}
		open := 0
		for _, c := range held[:len(held)-connections] {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := bufio.NewReader(c).ReadByte()
			if failed, ok := errors.AsType[net.Error](err); err == nil || ok && failed.Timeout() {
				open++
			}
		}
		if open > connections {
			t.Errorf("%s: of the first %d slow connections %d are still open", address, len(held)-connections, open)
		}
	}
	if code, body, err := w.ask(ctx, true, own+"/pods/a/depth"); err != nil || code != http.StatusOK {
		t.Errorf("the metrics API after it: %d %s %v", code, body, err)
	}
}

// fresh is a client that opens a connection for each request.
func fresh() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }
