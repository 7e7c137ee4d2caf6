package leader

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/trimtab/trimtab/internal/text"
)

// ForwardError is the message of the pod's node about a connection that it could not open.
type ForwardError struct {
	Pod  Pod
	Port int
	Said string
}

func (e ForwardError) Error() string {
	return fmt.Sprintf("port %d of pod %s: %s; --debug-port names the port of server.debugAddress", e.Port, e.Pod, e.Said)
}

// Dial opens a connection to a port on the pod's localhost through the API server, as kubectl port-forward does. If
// nothing listens on the port, reads return a ForwardError.
func Dial(ctx context.Context, cfg *rest.Config, pod Pod, port int) (net.Conn, error) {
	dialer, refusal, err := dialerTo(cfg, pod)
	if err != nil {
		return nil, fmt.Errorf("forward to pod %s: %w", pod, err)
	}
	type dialed struct {
		connection httpstream.Connection
		err        error
	}
	done := make(chan dialed, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		done <- dialed{connection, err}
	}()
	select {
	case <-ctx.Done(): // the dialer takes no context
		go func() {
			if d := <-done; d.err == nil {
				_ = d.connection.Close()
			}
		}()
		return nil, fmt.Errorf("forward to pod %s: %w", pod, ctx.Err())
	case d := <-done:
		if d.err != nil {
			return nil, refused(pod, cmp.Or(refusal.status, d.err))
		}
		c, err := newConn(d.connection, pod, port)
		if err != nil {
			_ = d.connection.Close()
			return nil, fmt.Errorf("forward to pod %s: %w", pod, err)
		}
		return c, nil
	}
}

// dialerTo tries WebSocket first, then SPDY if a server or a proxy does not support WebSocket.
func dialerTo(cfg *rest.Config, pod Pod) (httpstream.Dialer, *refusals, error) {
	clients, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, nil, err
	}
	at := clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(cfg)
	if err != nil {
		return nil, nil, err
	}
	refusal := &refusals{next: transport}
	old := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: refusal}, http.MethodPost, at)
	now, err := portforward.NewSPDYOverWebsocketDialerForStreaming(at, cfg)
	if err != nil {
		return nil, nil, err
	}
	return portforward.NewFallbackDialerForStreaming(now, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), refusal, nil
}

// refusals keeps the API server's answer to a refused connection, since the library keeps only its text.
type refusals struct {
	next   http.RoundTripper
	status error
}

func (r *refusals) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	r.status = fmt.Errorf("%s: %s", resp.Status, text.Squeezed(string(body)))
	var status metav1.Status
	if json.Unmarshal(body, &status) == nil && status.Kind == "Status" {
		r.status = &apierrors.StatusError{ErrStatus: status}
	}
	return nil, r.status
}

// maxRefusal bounds how much of such an answer is read.
const maxRefusal = 16 << 10

// refused explains why the API server refused the connection.
func refused(pod Pod, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("the holder of Lease %s, %s, is no pod of the namespace %s: it has just ended, or trimtab runs outside of the cluster; ask again, or name its address by --server",
			pod.lease, strconv.Quote(pod.Name), pod.Namespace)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("forward to pod %s: %w; add to a Role in %s: {apiGroups: [\"\"], resources: [pods/portforward], verbs: [create, get]}", pod, err, pod.Namespace)
	}
	return fmt.Errorf("forward to pod %s: %w", pod, err)
}

// conn is one stream through the API server.
type conn struct {
	httpstream.Stream
	connection httpstream.Connection
	pod        Pod
	port       int
	// said gets the node's message about a failure. It is closed without a message if there is none.
	said chan string
}

func newConn(connection httpstream.Connection, pod Pod, port int) (*conn, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(port))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := connection.CreateStream(header)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // nothing is written to it
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(header)
	if err != nil {
		return nil, err
	}
	c := &conn{Stream: data, connection: connection, pod: pod, port: port, said: make(chan string, 1)}
	go func() {
		defer close(c.said)
		if said, _ := io.ReadAll(io.LimitReader(failures, maxRefusal)); len(said) > 0 {
			c.said <- text.Squeezed(string(said))
		}
	}()
	return c, nil
}

// Read returns the node's message if the stream ended because of a failure. The node ends both streams together.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if err == nil {
		return n, nil
	}
	if said, ok := <-c.said; ok {
		return n, ForwardError{c.pod, c.port, said}
	}
	return n, err
}

// Close ends both streams and waiting reads.
func (c *conn) Close() error { return c.connection.Close() }

func (c *conn) LocalAddr() net.Addr { return address{} }

func (c *conn) RemoteAddr() net.Addr { return address{} }

// Streams have no deadlines: to stop waiting, close the connection, as net/http does.

func (c *conn) SetDeadline(time.Time) error { return nil }

func (c *conn) SetReadDeadline(time.Time) error { return nil }

func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// address is the address of a stream, which has none.
type address struct{}

func (address) Network() string { return "portforward" }

func (address) String() string { return "portforward" }
