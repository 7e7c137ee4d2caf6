package delegate

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trimtab/trimtab/internal/text"
)

const (
	// maxMessage and maxReason bound the texts that are taken from a delegate's error.
	maxMessage = 1024
	maxReason  = 64
	// maxRetryAfter is the longest accepted Retry-After.
	maxRetryAfter = time.Hour
)

// failure is why there is no answer, and what the client reads.
type failure struct {
	code    int32
	reason  metav1.StatusReason
	message string
	// open says that the client may read the message: it is the delegate's answer to the client's question, or
	// trimtab's own words. Other messages may name addresses and accounts.
	open bool
	// retryAfter is rounded up to seconds; the zero value gives none.
	retryAfter time.Duration
	// answered is the delegate's own HTTP status; 0 where there was none.
	answered int
	// silent says that the delegate did not answer as a metrics server does. It is not asked for a while.
	silent bool
	// unknown says that the delegate answered that the metric or the object does not exist.
	unknown bool
}

func (f *failure) Error() string { return f.message }

func unavailable(format string, args ...any) *failure {
	return &failure{
		code: http.StatusServiceUnavailable, reason: metav1.StatusReasonServiceUnavailable,
		message: fmt.Sprintf(format, args...), retryAfter: time.Second, silent: true,
	}
}

func slow(format string, args ...any) *failure {
	f := unavailable(format, args...)
	f.code, f.reason, f.open = http.StatusGatewayTimeout, metav1.StatusReasonTimeout, true
	return f
}

// wrong is a failure that lasts until someone corrects the configuration.
func wrong(format string, args ...any) *failure {
	return &failure{code: http.StatusInternalServerError, reason: metav1.StatusReasonInternalError, message: fmt.Sprintf(format, args...)}
}

// unreadable is the failure of an answer that is not in the format of a metrics API.
func unreadable(format string, args ...any) *failure {
	f := unavailable("%s", excerpt("answers "+fmt.Sprintf(format, args...)))
	f.answered = http.StatusOK
	return f
}

// unreached is the failure of a request without a whole answer. The wrapper of the HTTP client is removed, since it
// repeats the URL.
func unreached(err error, timeout time.Duration) *failure {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	var network net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return slow("no answer within %s", timeout)
	case errors.As(err, &certificate):
		return unavailable("%s; tls.caFile names the CAs to trust, tls.serverName the name to expect", excerpt(err.Error()))
	default:
		return unavailable("%s", excerpt(err.Error()))
	}
}

// refusal is the failure of a whole answer other than 200.
func refusal(resp *http.Response, body []byte) *failure {
	var status metav1.Status
	isStatus := json.Unmarshal(body, &status) == nil && status.Kind == "Status"
	said := fmt.Sprintf("HTTP %d: %s", resp.StatusCode, excerpt(status.Message))
	if !isStatus {
		mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		said = fmt.Sprintf("HTTP %d, no status of a Kubernetes API: %s %.120q", resp.StatusCode, excerpt(mediaType), body)
	}
	if sent := resp.Request; sent != nil { // the body may repeat trimtab's token
		said = text.Sent(map[string][]string{"Authorization": sent.Header["Authorization"]}).Hide(said)
	}
	f := refused(resp.StatusCode, isStatus, said, status)
	f.answered = resp.StatusCode
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil && isStatus && status.Details != nil {
		seconds = int(status.Details.RetryAfterSeconds)
	}
	if seconds > 0 && f.code != http.StatusInternalServerError {
		f.retryAfter = min(time.Duration(min(seconds, 1<<20))*time.Second, maxRetryAfter)
	}
	return f
}

func refused(code int, isStatus bool, said string, status metav1.Status) *failure {
	switch {
	case code/100 == 3:
		return unavailable("%s: a redirect, which is not followed; let url or service name where it is", said)
	case code == http.StatusUnauthorized:
		f := wrong("does not take trimtab's token: %s; set bearerTokenFile", said)
		f.silent = true
		return f
	case code == http.StatusForbidden:
		return wrong("does not let trimtab's account ask: %s; grant it get in %s and list in %s", said, customGroup, externalGroup)
	case code == http.StatusLoopDetected:
		return wrong("goes in a circle: %s; take it out of adapter.delegates", said)
	case !isStatus || code == http.StatusTooManyRequests || code < 400 || code > 599:
		f := unavailable("%s", said)
		f.silent = !isStatus && code/100 != 4
		return f
	default:
		reason := status.Reason
		if len(reason) > maxReason {
			reason = metav1.StatusReasonUnknown
		}
		return &failure{code: int32(code), reason: reason, message: said, open: true, unknown: code == http.StatusNotFound}
	}
}

// Failure is every error of a Delegate. It has the status for the client, which begins with the delegate's name. It
// also has the cause for the operator; nil where the client reads the cause too.
type Failure struct {
	*apierrors.StatusError
	Cause error
}

// Error is for the operator: the cause, or the status where there is no cause.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return f.Cause.Error()
	}
	return f.StatusError.Error()
}

// Unwrap gives the status.
func (f *Failure) Unwrap() error { return f.StatusError }

// status is err for the client.
func (d *Delegate) status(err error) *Failure {
	var own *apierrors.StatusError
	if errors.As(err, &own) {
		return &Failure{StatusError: own}
	}
	var f *failure
	if !errors.As(err, &f) {
		f = unavailable("%v", err)
	}
	said, cause := f.message, error(nil)
	if !f.open {
		said, cause = f.closed(), fmt.Errorf("delegate %q: %w", d.cfg.Name, f)
	}
	s := metav1.Status{Status: metav1.StatusFailure, Code: f.code, Reason: f.reason, Message: fmt.Sprintf("delegate %q: %s", d.cfg.Name, said)}
	if f.retryAfter > 0 {
		s.Details = &metav1.StatusDetails{RetryAfterSeconds: int32((f.retryAfter + time.Second - 1) / time.Second)}
	}
	return &Failure{&apierrors.StatusError{ErrStatus: s}, cause}
}

// closed is the client's message where only the operator may read the cause.
func (f *failure) closed() string {
	const see = "; the cause is in trimtab's log and at /debug/decisions"
	switch {
	case f.code == http.StatusInternalServerError:
		return "does not let trimtab ask, or answers more than trimtab takes" + see
	case f.answered != 0:
		return fmt.Sprintf("answers with HTTP %d what no metrics API does", f.answered) + see
	default:
		return "is not available" + see
	}
}

// stale is the error for a metric that is not in an old list, where the list could not be read again.
func (d *Delegate) stale(l *listing) error {
	if l.failed == nil {
		return nil
	}
	return d.status(unavailable("did not list the metric when it was last asked, and cannot be asked again: %v", l.failed))
}

// excerpt is a short part of a foreign text, enough to recognise it.
func excerpt(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
