package prom

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Series lists the label sets that match a selector and have samples in the time range. Warnings are the server's
// warnings about a partial list.
func (c *Client) Series(ctx context.Context, selectors []string, start, end time.Time) (sets []model.LabelSet, warnings []string, err error) {
	warnings, err = c.list(ctx, "/api/v1/series", "/api/v1/series", c.core.verb, selectors, start, end, func(d *decoder) (err error) {
		sets, err = d.sets()
		return err
	})
	return sets, warnings, err
}

// LabelNames lists the label names of the series that match a selector; without selectors, of all series. A zero start
// or end is the server's default.
func (c *Client) LabelNames(ctx context.Context, selectors []string, start, end time.Time) (names, warnings []string, err error) {
	warnings, err = c.list(ctx, "/api/v1/labels", "/api/v1/labels", c.core.verb, selectors, start, end, func(d *decoder) (err error) {
		names, err = d.texts()
		return err
	})
	return names, warnings, err
}

// LabelValues lists the values of label in the series that match a selector; without selectors, in all series. A zero
// start or end is the server's default. The API has only GET here, whatever Config.Verb is. So servers and proxies may
// refuse very long selectors.
func (c *Client) LabelValues(ctx context.Context, label string, selectors []string, start, end time.Time) (values, warnings []string, err error) {
	if !model.UTF8Validation.IsValidLabelName(label) {
		return nil, nil, &Error{Kind: BadQuery, Server: c.Server(), Query: label, Err: errors.New("it is not the name of a label")}
	}
	path := "/api/v1/label/" + url.PathEscape(pathName(label)) + "/values"
	warnings, err = c.list(ctx, path, "/api/v1/label/:name/values", http.MethodGet, selectors, start, end, func(d *decoder) (err error) {
		values, err = d.texts()
		return err
	})
	return values, warnings, err
}

// pathName is a label's name in a path. A name that is no plain word is escaped as U__. So is a name that a server
// would read as escaped.
func pathName(label string) string {
	if strings.HasPrefix(label, "U__") && model.LegacyValidation.IsValidLabelName(label) {
		return "U__" + strings.ReplaceAll(label, "_", "__")
	}
	return model.EscapeName(label, model.ValueEncodingEscaping)
}

func (c *Client) list(ctx context.Context, path, route, verb string, selectors []string, start, end time.Time, read func(*decoder) error) ([]string, error) {
	form := url.Values{}
	if len(selectors) > 0 {
		form["match[]"] = selectors
	}
	if !start.IsZero() {
		form.Set("start", unixMillis(start))
	}
	if !end.IsZero() {
		form.Set("end", unixMillis(end))
	}
	query := strings.Join(selectors, ", ")
	e, _, err := c.ask(ctx, call{path: path, route: route, verb: verb, query: query, form: form}, read)
	return e.warnings, err
}
