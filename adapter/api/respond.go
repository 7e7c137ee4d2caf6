package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
)

// answer gets the answer from the metrics API and writes it. An error means that nothing was written yet.
func (c *call) answer(ctx context.Context) error {
	room, route := c.room, c.route
	switch {
	case route.list != nil:
		b, err := route.list.in(c.encoding)
		if err == nil {
			c.send(b.plain, b.gzip)
		}
		return err
	case route.version == externalV1beta1:
		if err := c.external.External(ctx, route.external, &room.external); err != nil {
			return err
		}
		room.body = encodeExternal(room.body[:0], c.encoding, route.version, &room.external)
	default:
		if err := c.custom.Custom(ctx, route.custom, &room.custom); err != nil {
			return err
		}
		if route.custom.Name != "" && len(room.custom.Items) != 1 {
			return Internal("%d values instead of one for %s %q", len(room.custom.Items), route.custom.Resource, route.custom.Name)
		}
		room.body = encodeCustom(room.body[:0], c.encoding, route.version, &room.custom)
	}
	c.send(room.body, nil)
	return nil
}

func encodeCustom(b []byte, e encoding, v version, a *CustomAnswer) []byte {
	if e.proto {
		return appendCustomProto(b, v, a)
	}
	return appendCustomJSON(b, v, a)
}

func encodeExternal(b []byte, e encoding, v version, a *ExternalAnswer) []byte {
	if e.proto {
		return appendExternalProto(b, v, a)
	}
	return appendExternalJSON(b, v, a)
}

// send writes an answer, compressed where the library would compress it. It ignores a client that is gone.
func (c *call) send(plain, compressed []byte) {
	header := c.w.Header()
	header.Set("Content-Type", c.encoding.mediaType)
	if len(plain) > gzipAbove { // a small answer never waits for its reader
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(c.timeout))
	}
	if len(plain) <= gzipAbove || !takesGzip(c.r) {
		header.Set("Content-Length", strconv.Itoa(len(plain)))
		_, _ = c.w.Write(plain)
		return
	}
	header.Set("Content-Encoding", "gzip")
	header.Add("Vary", "Accept-Encoding")
	if compressed != nil {
		header.Set("Content-Length", strconv.Itoa(len(compressed)))
		_, _ = c.w.Write(compressed)
		return
	}
	zip, ok := c.zips.Get().(*gzip.Writer)
	if !ok {
		zip, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	}
	zip.Reset(c.w)
	_, _ = zip.Write(plain)
	_ = zip.Close()
	c.zips.Put(zip)
}

const tookTooLong = "request did not complete within the allotted timeout"

// inTime makes a status of a time-out from the error of a request that took too long, unless it is a status already.
func inTime(ctx context.Context, err error) error {
	if _, ok := err.(apierrors.APIStatus); ok || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return apierrors.NewTimeoutError(tookTooLong, 0)
}

func (c *call) fail(err error) { fail(c.w, c.r, c.route.version, err) }

// fail writes a status through the library. The header Retry-After is removed for clients that would wait for it.
func fail(w http.ResponseWriter, r *http.Request, v version, err error) {
	if isClientGo(r.UserAgent()) {
		w = headerless{w}
	}
	responsewriters.ErrorNegotiated(err, apiserver.Codecs, v.groupVersion(), w, r)
}
