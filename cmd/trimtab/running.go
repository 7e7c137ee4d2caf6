package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/trimtab/trimtab/internal/kube"
	"github.com/trimtab/trimtab/internal/leader"
	"github.com/trimtab/trimtab/internal/text"
)

// askTimeout bounds a request to the running trimtab, and the search for it.
const askTimeout = 30 * time.Second

// localDebug is the address of the debug pages without a kubeconfig, as in trimtab's own pod.
const localDebug = "http://localhost:8081"

// running says how to reach the debug pages of a running trimtab: by an address, or through the API server.
type running struct {
	server, tokenFile string
	cluster           clusterFlags
	lease             string
	port              uint16
}

// define adds the flags to a command and to those below it.
func (r *running) define(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.server, "server", "", "`address` of the debug pages (server.debugAddress), HOST:PORT or a URL (default: the leader's, through the kubeconfig; "+localDebug+" where there is none)")
	flags.StringVar(&r.tokenFile, "token-file", "", "`file` of a bearer token, for debug pages that are not on localhost")
	flags.StringVar(&r.lease, "lease", "trimtab-system/trimtab", "`NAMESPACE/NAME` of the Lease that the leader holds (leaderElection)")
	flags.Uint16Var(&r.port, "debug-port", 8081, "`port` of server.debugAddress in the leader's pod")
	r.cluster.define(flags, cmd)
	for _, finds := range []string{"kubeconfig", "context", "lease", "debug-port"} {
		cmd.MarkFlagsMutuallyExclusive("server", finds)
	}
}

// addressed is true if the server has an address, given or the default. Otherwise it is searched for in a cluster.
func (r *running) addressed() bool {
	if r.server != "" || r.cluster != (clusterFlags{}) {
		return r.server != ""
	}
	contexts, err := kube.Contexts(r.cluster.config())
	return err == nil && contexts == nil
}

// namespace is the default namespace of a pod's name: the namespace of the kubeconfig's context, as for kubectl.
func (r *running) namespace() (string, error) {
	if r.addressed() {
		return "default", nil
	}
	_, namespace, err := kube.Load(r.cluster.config())
	return namespace, err
}

// connect finds the server. where is its name in errors.
func (r *running) connect(ctx context.Context) (base, where string, client *http.Client, err error) {
	if r.addressed() {
		server := cmp.Or(r.server, localDebug)
		if !strings.Contains(server, "://") {
			server = "http://" + server
		}
		return strings.TrimSuffix(server, "/"), text.Address(server), http.DefaultClient, nil
	}
	cfg, _, err := kube.Load(r.cluster.config())
	if err != nil {
		return "", "", nil, fmt.Errorf("%w; or name the debug pages by --server", err)
	}
	namespace, name, ok := strings.Cut(r.lease, "/")
	if !ok || namespace == "" || name == "" {
		return "", "", nil, wrongUsage("--lease %.80q is not NAMESPACE/NAME", r.lease)
	}
	pod, err := leader.Find(ctx, cfg, types.NamespacedName{Namespace: namespace, Name: name})
	if err != nil {
		return "", "", nil, err
	}
	through := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		return leader.Dial(ctx, cfg, pod, int(r.port))
	}}
	// Debug pages on localhost accept no other host name.
	return "http://localhost:" + strconv.Itoa(int(r.port)), "pod " + pod.String(), &http.Client{Transport: through}, nil
}

// ask reads one page.
func (r *running) ask(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	page, where, err := r.open(ctx, path)
	if err != nil {
		return err
	}
	defer page.Close()
	body, err := readBounded(page)
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", where, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s does not answer as trimtab does: %w", where, err)
	}
	return nil
}

// open requests one page, which is read as a stream. where is the server's name in errors.
func (r *running) open(ctx context.Context, path string) (page io.ReadCloser, where string, err error) {
	base, where, client, err := r.connect(ctx)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return nil, "", fmt.Errorf("--server %s is neither HOST:PORT nor a URL, as in %s", text.Quote(text.Address(r.server)), localDebug)
	}
	if r.tokenFile != "" {
		token, err := readFile(r.tokenFile)
		if err != nil {
			return nil, "", fmt.Errorf("--token-file %s: %w", r.tokenFile, err)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", r.unreachable(where, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // without it the status is shown
		return nil, "", fmt.Errorf("%s answers %s: %s", where, resp.Status, text.Squeezed(string(why)))
	}
	return resp.Body, where, nil
}

// unreachable says why there is no answer. Errors on the way to a pod name the pod and the correction themselves.
func (r *running) unreachable(where string, err error) error {
	switch {
	case where == localDebug && r.server == "":
		return fmt.Errorf("ask the running trimtab: %w; there is no kubeconfig in %s, so %s was asked: name one by --kubeconfig or $KUBECONFIG, or the debug pages by --server",
			err, kube.Files(r.cluster.config()), localDebug)
	case !strings.HasPrefix(where, "pod "):
		return fmt.Errorf("ask the running trimtab: %w; --server names where it listens (server.debugAddress in its configuration)", err)
	}
	if failed, ok := errors.AsType[leader.ForwardError](err); ok {
		return failed
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return err
}
