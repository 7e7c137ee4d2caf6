package scalers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/trimtab/trimtab/internal/config"
	"github.com/trimtab/trimtab/scalers/hpa"
	"github.com/trimtab/trimtab/scalers/trigger"
)

// mark is in every secret that is planted.
const mark = "geheimMARKgeheim"

// secretForms are what a user may write in place of a parameter's value.
func secretForms() map[string]string {
	return map[string]string{
		"a word": mark, "odd characters": mark + ` "\/+%<ä` + mark, "an address": "redis://" + mark + ":" + mark + "@127.0.0.1:1",
		"a URL": "http://maria:" + mark + "@127.0.0.1:1/p?t=" + mark + "#" + mark, "pairs": "X-Key=" + mark + ",X-Key=" + mark,
		"a header": "X-Key: " + mark + "=", "host and port": "maria:" + mark + "@127.0.0.1:1", "lines": "-----BEGIN KEY-----\n" + mark + "\n" + mark + "\n-----END KEY-----\n",
	}
}

// rightTrigger is the example of a type, for a server at address. Where requests may authenticate it has all that any
// mode needs.
func rightTrigger(t *testing.T, kind, address string) trigger.Definition {
	t.Helper()
	example, ok := examples()[kind]
	if !ok {
		t.Fatalf("type %s has no example: implement trigger.Exemplary", kind)
	}
	d := trigger.Definition{Metadata: map[string]string{}, Auth: map[string]string{"username": "maria"}}
	for to, values := range map[*map[string]string]map[string]string{&d.Metadata: example.Metadata, &d.Auth: example.Auth} {
		for key, value := range values {
			if (*to)[key] = value; example.Server != "" {
				(*to)[key] = strings.ReplaceAll(value, example.Server, address)
			}
		}
	}
	if slices.Contains(tables()[kind].Names(), "authModes") {
		d.Metadata["authModes"] = "basic"
		maps.Copy(d.Auth, map[string]string{"password": "pass", "bearerToken": "token", "customAuthHeader": "X-Custom", "customAuthValue": "value"})
	}
	return d
}

// modeOf is the mode of authModes that sends a parameter; empty where each does.
func modeOf(key string) string {
	for mode, keys := range map[string][]string{"bearer": {"bearerToken", "token"}, "custom": {"customAuthHeader", "customAuthValue"}} {
		if slices.Contains(keys, key) {
			return mode
		}
	}
	return ""
}

// servers answer in the ways that could make a secret known.
func servers(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"refuses": "127.0.0.1:1"}
	for name, answer := range map[string]func(net.Conn, []byte){
		"echoes, redis": func(c net.Conn, got []byte) { fmt.Fprintf(c, "-ERR unknown %q\r\n", got) },
		"echoes, http": func(c net.Conn, got []byte) {
			body, _ := json.Marshal(map[string]string{"status": "error", "errorType": "echo", "error": string(got)})
			fmt.Fprintf(c, "HTTP/1.1 500 No\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		},
		"echoes, cut": func(c net.Conn, got []byte) {
			_, got, _ = bytes.Cut(got, []byte("Authorization: "))
			fmt.Fprintf(c, "HTTP/1.1 403 No\r\nConnection: close\r\n\r\n%s%s", strings.Repeat("x", 105), got)
		},
		"redirects": func(c net.Conn, got []byte) {
			fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: http://u:%s@elsewhere/%s?a=%s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", mark, base64.URLEncoding.EncodeToString(got), mark)
		},
		"hangs": func(net.Conn, []byte) {},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = conn.Close() }()
					got := make([]byte, 16<<10)
					for {
						n, err := conn.Read(got)
						if err != nil {
							return
						}
						answer(conn, got[:n])
						if strings.HasPrefix(string(got), "POST") && name != "hangs" {
							return
						}
					}
				}()
			}
		}()
		out[name] = listener.Addr().String()
	}
	return out
}

// planted is one ScaledObject with one secret in one place.
type planted struct {
	// metric is the name of its metric without the secret.
	kind, key, form, place, metric string
	d                              trigger.Definition
}

// objects has what the API server holds for p.
func (p planted) object() (*keda.ScaledObject, []any) {
	so := &keda.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u1", Generation: 1}}
	so.Spec.ScaleTargetRef = &keda.ScaleTarget{Name: "web"}
	so.Spec.Triggers = []keda.ScaleTriggers{{Type: p.kind, Metadata: p.d.Metadata, AuthenticationRef: &keda.AuthenticationRef{Name: "auth"}}}
	ta := &keda.TriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "auth"}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s"}, Data: map[string][]byte{}}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "c"}, Data: map[string]string{}}
	for key, value := range p.d.Auth {
		if p.place == "ConfigMap" {
			cm.Data[key] = value
			ta.Spec.ConfigMapTargetRef = append(ta.Spec.ConfigMapTargetRef, keda.AuthConfigMapTargetRef{Parameter: key, Name: "c", Key: key})
			continue
		}
		secret.Data[key] = []byte(value)
		ta.Spec.SecretTargetRef = append(ta.Spec.SecretTargetRef, keda.AuthSecretTargetRef{Parameter: key, Name: "s", Key: key})
	}
	return so, []any{ta, secret, cm}
}

// localSources are those of servers on this machine, which answer soon or never.
func localSources() (cfg Config) {
	cfg.SetDefaults()
	cfg.HTTPDefaultTimeout = config.Duration(50 * time.Millisecond)
	cfg.Sources.AllowedNetworks = []string{"127.0.0.0/8"}
	return cfg
}

// everythingTold runs rounds of p and returns all that is written and answered meanwhile.
func (p planted) everythingTold(t *testing.T) string {
	t.Helper()
	so, others := p.object()
	h := newHarness(t, so, others[0].(*keda.TriggerAuthentication), others[1].(*corev1.Secret), others[2].(*corev1.ConfigMap))
	log := h.withTold()
	cfg := localSources()
	h.triggers.sources = sources(environment(cfg, h.Scalers.log))
	var all []any
	for range 2 {
		h.poll(time.Minute)
		events, decisions := h.told()
		all = append(all, events, decisions)
	}
	_, answered := h.metric(p.metric)
	all = append(all, answered)
	status, err := json.Marshal(h.object().Status)
	if err != nil {
		t.Fatal(err)
	}
	hpa, _ := h.hpa("keda-hpa-web")
	spec, err := json.Marshal(hpa)
	if err != nil {
		t.Fatal(err)
	}
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	so.APIVersion, so.Kind = "keda.sh/v1alpha1", "ScaledObject"
	doc, err := yaml.Marshal(so)
	if err != nil {
		t.Fatal(err)
	}
	warnings, refused := CheckManifest("f", "ScaledObject", doc, &cfg)
	all = append(all, string(status), string(spec), families, log.String(), warnings, refused)
	return fmt.Sprint(all...)
}

// A secret that stands anywhere in a manifest, or that a trigger gets from its authentication, is in nothing that is
// written: status, HPA, Events, log, decisions, metrics, answers, output of check. The parameters come from the sources
// themselves, so that those of a new one are tried too.
func TestNoSecretIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	addresses := servers(t)
	names := slices.Sorted(maps.Keys(addresses))
	for kind, source := range sources(environment(localSources(), slog.New(slog.DiscardHandler))) {
		keys := source.New().Table().Keys()
		right, err := trigger.Check(rightTrigger(t, kind, "127.0.0.1:1"), source)
		if err != nil {
			t.Fatal(err)
		}
		var all []planted
		plant := func(key, form, place, server string, change func(*trigger.Definition)) {
			p := planted{kind: kind, key: key, form: form, metric: hpa.MetricName(0, right.Name), place: place + ", a server that " + server, d: rightTrigger(t, kind, addresses[server])}
			if place == "ConfigMap" {
				p.place = place
			}
			change(&p.d)
			if checked, _ := trigger.Check(p.d, source); strings.Contains(checked.Name, mark) && strings.HasPrefix(p.place, "metadata") {
				return // the name of a metric is public
			}
			all = append(all, p)
		}
		forms := secretForms()
		if len(forms) < len(names) {
			t.Fatalf("%d forms of secrets do not bring each key to each of %d servers", len(forms), len(names))
		}
		for f, form := range slices.Sorted(maps.Keys(forms)) { // over all forms each key meets each server
			value := forms[form]
			anywhere := slices.Compact(slices.Sorted(slices.Values(slices.Concat(keys.Metadata, keys.Hidden, keys.Auth, []string{"unknown"}))))
			for i, key := range anywhere {
				public := slices.Contains(keys.Metadata, key)
				switch {
				case public && !strings.Contains(value, "@"): // it may be shown
				case key == "query" && form == "host and port": // PromQL has an @ too
				default:
					plant(key, form, "metadata", names[(i+f)%len(names)], func(d *trigger.Definition) { d.Metadata[key] = value })
				}
			}
			for i, key := range anywhere {
				place := []string{"Secret", "ConfigMap"}[(i+len(value))%2]
				plant(key, form, place, names[(i+f)%len(names)], func(d *trigger.Definition) {
					d.Auth[key] = value
					if slices.Contains(keys.Auth, key) {
						delete(d.Metadata, key)
					}
				})
			}
		}
		for _, server := range names { // values that are right, so that they are sent
			for _, key := range slices.Concat(keys.Hidden, keys.Auth) {
				value := mark
				if key == "customHeaders" || key == "queryParameters" {
					value = "X-Key=" + mark
				}
				plant(key, "a right value", "Secret", server, func(d *trigger.Definition) {
					if d.Auth[key] = value; d.Metadata["authModes"] != "" && modeOf(key) != "" {
						d.Metadata["authModes"] = modeOf(key)
					}
				})
				if slices.Contains(keys.Hidden, key) {
					plant(key, "a right value", "metadata", server, func(d *trigger.Definition) { d.Metadata[key] = value })
				}
			}
		}
		for _, p := range all {
			told := p.everythingTold(t)
			if !strings.Contains(told, "trigger 0") && !strings.Contains(told, "s0-") {
				t.Fatalf("%+v: nothing is told", p)
			}
			for _, part := range []string{"geheim", "MARK", base64.StdEncoding.EncodeToString([]byte(mark))[:8], "Z2VoZWlt"} {
				if at := strings.Index(told, part); at >= 0 {
					t.Errorf("%s: %s in %s, %s: shown: ...%s", p.kind, p.form, p.key, p.place, told[max(0, at-200):min(len(told), at+40)])
					break
				}
			}
		}
		t.Logf("%s: %d objects", kind, len(all))
	}
}
