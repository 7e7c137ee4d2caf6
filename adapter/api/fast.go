package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
)

// fast answers the frequent requests: the GETs of metrics for each HPA, and the discovery by each API server. It passes
// everything else, and everything unusual, to the library. Its answers are the library's answers.
type fast struct {
	library  http.Handler
	custom   CustomAPI
	external ExternalAPI
	routes   *routes
	accepts  *negotiator
	// authenticator and authorizer are nil in a server that asks nobody who he is.
	authenticator authenticator.Request
	authorizer    authorizer.Authorizer
	timeout       time.Duration
	// limit is how many requests may be in flight. Requests of system:masters do not count.
	limit    int64
	inFlight atomic.Int64
	// enter registers a request for which the server waits before it ends. It fails when the server no longer accepts
	// requests.
	enter func() error
	leave func()
	rooms sync.Pool // of *room
	zips  sync.Pool // of *gzip.Writer
}

// room is memory that requests use again, one after the other.
type room struct {
	key, body []byte
	custom    CustomAnswer
	external  ExternalAnswer
}

// roomLimit bounds the memory that is kept after a large answer.
const roomLimit = 1 << 20

// ServeHTTP implements http.Handler.
func (f *fast) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if length := len(r.URL.Path) + len(r.URL.RawQuery); length > urlMost {
		fail(w, r, customV1beta1, tooLong("path and query have %d bytes; at most %d are read", length, urlMost))
		return
	}
	if r.Method != http.MethodGet || r.ContentLength != 0 || hasUnusualHeader(r.Header) {
		f.library.ServeHTTP(w, r)
		return
	}
	room := f.room()
	key, ok := appendRouteKey(room.key[:0], r.URL)
	room.key = key
	var found *route
	var remembered bool
	if ok {
		found, remembered = f.routes.find(r, key)
	}
	if found == nil {
		f.giveUp(w, r, room)
		return
	}
	encoding, ok := f.accepts.encoding(r)
	if !ok || f.enter() != nil {
		f.giveUp(w, r, room)
		return
	}
	defer f.leave()
	who, ok := f.authenticate(r)
	if !ok {
		f.giveUp(w, r, room)
		return
	}
	defer recoverTo(w, r, found)
	c := call{fast: f, w: w, r: r, who: who, route: found, encoding: encoding, room: room}
	if c.serve() && !remembered {
		f.routes.remember(key, found)
	}
	f.keep(room) // not after a panic, when someone may still use it
}

func (f *fast) giveUp(w http.ResponseWriter, r *http.Request, room *room) {
	f.keep(room)
	f.library.ServeHTTP(w, r)
}

func (f *fast) room() *room {
	if r, ok := f.rooms.Get().(*room); ok {
		return r
	}
	return &room{}
}

func (f *fast) keep(r *room) {
	if cap(r.body) > roomLimit {
		return
	}
	clear(r.external.Items) // they keep labels in memory
	clear(r.custom.Items)
	r.custom = CustomAnswer{Items: r.custom.Items[:0]}
	r.external.Items = r.external.Items[:0]
	f.rooms.Put(r)
}

// hasUnusualHeader is true if a header needs more of the library than reading the user.
func hasUnusualHeader(h http.Header) bool {
	for name := range h {
		switch {
		case name == "Upgrade", name == "Authorization", name == "Origin",
			len(name) >= len("Impersonate-") && name[:len("Impersonate-")] == "Impersonate-":
			return true
		}
	}
	return false
}

// call is one request that fast answers.
type call struct {
	*fast
	w        http.ResponseWriter
	r        *http.Request
	who      user.Info
	route    *route
	encoding encoding
	room     *room
}

// serve is false for a request that was refused before the metrics API was asked.
func (c *call) serve() bool {
	header := c.w.Header()
	header.Set("Cache-Control", "no-cache, private")
	id := c.r.Header.Get(auditinternal.HeaderAuditID)
	if id == "" {
		id = string(uuid.NewUUID())
	}
	header.Set(auditinternal.HeaderAuditID, id)
	// As in the library: an anonymous client may not keep a connection of HTTP/2.
	if c.who != nil && c.r.ProtoMajor == 2 && (c.who.GetName() == user.Anonymous || slices.Contains(c.who.GetGroups(), user.AllUnauthenticated)) {
		header.Set("Connection", "close")
	}
	defer c.inFlight.Add(-1)
	if c.inFlight.Add(1) > c.limit && !isMaster(c.who) {
		header.Set("Retry-After", "1")
		http.Error(c.w, "Too many requests, please try again later.", http.StatusTooManyRequests)
		return false
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), c.timeout)
	defer cancel()
	if !c.authorize(ctx) {
		return false
	}
	if err := c.answer(ctx); err != nil {
		c.fail(inTime(ctx, err))
	}
	return true
}

// authenticate returns the user that the library recognised. It is false for a request that the library must refuse.
// After a success, the headers that name a user are removed.
func (f *fast) authenticate(r *http.Request) (user.Info, bool) {
	if f.authenticator == nil {
		return nil, true
	}
	response, ok, err := f.authenticator.AuthenticateRequest(r)
	if err != nil || !ok {
		return nil, false
	}
	return response.User, true
}

func isMaster(who user.Info) bool {
	return who != nil && slices.Contains(who.GetGroups(), user.SystemPrivilegedGroup)
}

func (c *call) authorize(ctx context.Context) bool {
	if c.authorizer == nil {
		return true
	}
	attributes := c.route.attributes
	attributes.User = c.who
	decision, reason, err := c.authorizer.Authorize(ctx, &attributes)
	switch {
	case decision == authorizer.DecisionAllow:
		return true
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		c.fail(apierrors.NewTimeoutError(tookTooLong+": the API server has not said whether this user may ask", 0))
	case err != nil:
		responsewriters.InternalError(c.w, c.r, err)
	default:
		responsewriters.Forbidden(&attributes, c.w, c.r, reason, apiserver.Codecs)
	}
	return false
}

// recoverTo answers 500 and reports the panic when the metrics API panicked.
func recoverTo(w http.ResponseWriter, r *http.Request, route *route) {
	p := recover()
	switch p {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(p)
	}
	utilruntime.HandleError(fmt.Errorf("metrics API: a request for %s panicked: %v\n%s", r.URL.Path, p, debug.Stack()))
	fail(w, r, route.version, Internal("the request made the server panic; its log tells where"))
}
