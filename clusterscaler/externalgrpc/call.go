package externalgrpc

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trimtab/trimtab/clusterscaler/fleet"
)

// Error is a call that failed. status.Code tells its code.
type Error struct {
	Server, Method string
	// Group and Node say what the call was about, where it was about one.
	Group, Node string
	Err         error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "server %s: %s", e.Server, e.Method)
	if e.Group != "" {
		fmt.Fprintf(&b, " of group %s", printable(e.Group))
	}
	if e.Node != "" {
		fmt.Fprintf(&b, " of node %s", printable(e.Node))
	}
	s := status.Convert(e.Err)
	said := printable(s.Message())
	if s.Code() == codes.DeadlineExceeded { // which end gave up first differs from call to call
		said = "no answer within the time limit"
	}
	fmt.Fprintf(&b, ": %s: %s", s.Code(), said)
	return b.String()
}

// Unwrap gives the gRPC error, and what it says of the class of a failure.
func (e *Error) Unwrap() []error {
	class := fleet.Other
	switch status.Code(e.Err) {
	case codes.PermissionDenied, codes.Unauthenticated:
		class = fleet.Rights
	case codes.ResourceExhausted: // gRPC and its servers answer so to who asks too often
		class = fleet.Throttling
	}
	return []error{e.Err, &fleet.Failure{Class: class, Message: e.Error()}}
}

// subject is what a call is about.
type subject struct{ group, node string }

// call makes one within the time limit. method is the name of do on the wire.
func call[In, Out any](ctx context.Context, p *Provider, method string, about subject, do func(context.Context, *In, ...grpc.CallOption) (*Out, error), in *In) (*Out, error) {
	calling, cancel := context.WithTimeout(ctx, p.cfg.Timeout.Std())
	defer cancel()
	out, err := do(calling, in)
	if err != nil {
		out, err = nil, &Error{Server: p.cfg.Address, Method: method, Group: about.group, Node: about.node, Err: err}
	}
	if isRead(method) {
		p.answered(ctx, method, about.group, err)
	}
	return out, err
}

// unimplemented says that the server does not know the call, which is an answer where the call is optional.
func unimplemented(err error) bool { return status.Code(err) == codes.Unimplemented }

// ofServer says that the error tells of the server and not of the node that was asked about: the next node would get
// the same.
func ofServer(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted,
		codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return true
	default:
		return false
	}
}

// maxText is how many bytes of a text of the server are repeated.
const maxText = 500

// printable is a text of the server on one line and not at length; it is quoted only where it must be.
func printable(text string) string {
	cut := ""
	if len(text) > maxText {
		text, cut = strings.ToValidUTF8(text[:maxText], ""), "..."
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	return text + cut
}
