package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Error is a failed request or connection, in words that repeat nothing of an answer. Err is the whole cause, which may
// repeat parts: it is for a log at level debug.
type Error struct {
	Text string
	Err  error
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Err }

// WithoutAnswer describes err, of a connection or of net/http, in words of this package. The errors of these libraries
// quote the first line of an answer, the names in a certificate, or the host that was looked up.
func WithoutAnswer(err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return &Error{reason(err), err}
}

// Cause is the whole cause of an error from WithoutAnswer, for a log at level debug. It does not have the URL of the
// request, which may contain a secret.
func Cause(err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Err
	}
	if inURL, ok := errors.AsType[*url.Error](err); ok {
		return inURL.Err
	}
	return err
}

func reason(err error) string {
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return refused.Error()
	}
	if timedOut(err) {
		return "no answer within the time-out"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host cannot be resolved: no such host"
		}
		return "the host cannot be resolved"
	}
	if text := certificateReason(err); text != "" {
		return text
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return "TLS fails: " + strings.TrimPrefix(alert.Error(), "tls: ")
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if _, ok := errors.AsType[*net.AddrError](err); ok {
		return "the address is no host and port"
	}
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case strings.HasPrefix(text, "net/http: invalid header field"):
		return "the request cannot be sent: invalid header field value"
	case strings.Contains(text, "response headers exceeded"), strings.Contains(text, "response header list larger"):
		return fmt.Sprintf("the headers of the answer are larger than %d bytes", MaxHeaderBytes)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer breaks off"
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), strings.HasSuffix(text, "EOF"),
		strings.Contains(text, "server closed"):
		return "the server closed the connection"
	case strings.Contains(text, "http2: "), strings.Contains(text, "stream error: "):
		return "the server ended the connection or the stream of HTTP/2"
	default:
		return "what the server sends is not of the protocol"
	}
}

func timedOut(err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && network.Timeout()
}

// certificateReason is why TLS failed, if a wrong or missing certificate is the reason.
func certificateReason(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "x509: the certificate is for another host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "x509: certificate signed by unknown authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "x509: certificate has expired or is not yet valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "x509: certificate is not accepted"
	}
	return ""
}
