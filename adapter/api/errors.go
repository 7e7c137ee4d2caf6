package api

import (
	"fmt"
	"math"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NotFound answers 404: what was asked for does not exist.
func NotFound(format string, args ...any) *apierrors.StatusError {
	return status(http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf(format, args...), 0)
}

// BadRequest answers 400: the request itself must change.
func BadRequest(format string, args ...any) *apierrors.StatusError {
	return status(http.StatusBadRequest, metav1.StatusReasonBadRequest, fmt.Sprintf(format, args...), 0)
}

// tooLong answers 414: the client must ask for less at once.
func tooLong(format string, args ...any) *apierrors.StatusError {
	return status(http.StatusRequestURITooLong, metav1.StatusReasonUnknown, fmt.Sprintf(format, args...), 0)
}

// Internal answers 500: another request will not help until someone corrects a rule.
func Internal(format string, args ...any) *apierrors.StatusError {
	return status(http.StatusInternalServerError, metav1.StatusReasonInternalError, fmt.Sprintf(format, args...), 0)
}

// Unavailable answers 503 with Retry-After, in whole seconds and at least one.
func Unavailable(retryAfter time.Duration, format string, args ...any) *apierrors.StatusError {
	return status(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, fmt.Sprintf(format, args...), retryAfter)
}

// TimedOut answers 504 with Retry-After, in whole seconds and at least one.
func TimedOut(retryAfter time.Duration, format string, args ...any) *apierrors.StatusError {
	return status(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, fmt.Sprintf(format, args...), retryAfter)
}

func status(code int32, reason metav1.StatusReason, message string, retryAfter time.Duration) *apierrors.StatusError {
	s := metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}
	if code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout {
		seconds := max(1, int32(math.Ceil(retryAfter.Seconds())))
		s.Details = &metav1.StatusDetails{RetryAfterSeconds: seconds}
	}
	return &apierrors.StatusError{ErrStatus: s}
}
