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

// Series lists the label sets that one of the selectors matches and that have samples in the span. Warnings are
// what the server said of a partial list.
func (c *Client) Series(ctx context.Context, selectors []string, start, end time.Time) (sets []model.LabelSet, warnings []string, err error) {
	warnings, err = c.list(ctx, "/api/v1/series", "/api/v1/series", c.core.verb, selectors, start, end, func(d *decoder) (err error) {
		sets, err = d.sets()
		return err
	})
	return sets, warnings, err
}

// LabelNames lists the names of the labels of the series that one of the selectors matches, of all series
// without selectors. A zero start or end is the server's default.
func (c *Client) LabelNames(ctx context.Context, selectors []string, start, end time.Time) (names, warnings []string, err error) {
	warnings, err = c.list(ctx, "/api/v1/labels", "/api/v1/labels", c.core.verb, selectors, start, end, func(d *decoder) (err error) {
		names, err = d.texts()
		return err
	})
	return names, warnings, err
}

// LabelValues lists the values of label in the series that one of the selectors matches, of all series
// without selectors. A zero start or end is the server's default. The API knows only GET here, whatever
// Config.Verb says: servers and proxies may refuse selectors of many thousand bytes.
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

// pathName is the name of a label as it stands in a path: one that is no plain word is escaped as U__, and so
// is one that a server would take for escaped.
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
