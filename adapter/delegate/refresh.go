package delegate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Refresh reads the lists of the delegate. If that fails, the old list stays. It is also an error when the delegate
// serves none of its APIs.
func (d *Delegate) Refresh(ctx context.Context) error {
	if err := d.refreshOnce(ctx); err != nil {
		return fmt.Errorf("read what delegate %q serves: %w", d.cfg.Name, err)
	}
	return nil
}

// refreshOnce is Refresh, once for all concurrent callers. Its key is no URL.
func (d *Delegate) refreshOnce(ctx context.Context) error {
	_, err := d.share(ctx, "refresh", func(ctx context.Context) (any, error) { return nil, d.refresh(ctx) })
	return err
}

func (d *Delegate) refresh(ctx context.Context) error {
	var errs []error
	served := false
	for _, api := range d.cfg.APIs {
		l, err := d.read(ctx, api)
		errs = append(errs, err)
		served = served || err != nil || l.version != ""
		d.mu.Lock()
		slot := d.slot(api)
		if err == nil {
			*slot = l
		} else if *slot != nil {
			old := **slot
			old.failed = err
			*slot = &old
		}
		d.mu.Unlock()
	}
	if !served {
		errs = append(errs, fmt.Errorf("%s serves no %s metrics API (404); is this its root?", d.base, strings.Join(d.cfg.APIs, " and no ")))
	}
	return errors.Join(errs...)
}

// slot is the place for the listing of an API, under mu.
func (d *Delegate) slot(api string) **listing {
	if api == CustomAPI {
		return &d.custom
	}
	return &d.external
}

// known is the listing of an API, nil before the first.
func (d *Delegate) known(api string) *listing {
	d.mu.Lock()
	defer d.mu.Unlock()
	return *d.slot(api)
}

// listing is the list of an API. The delegate is asked if it never was.
func (d *Delegate) listing(ctx context.Context, api string) (*listing, error) {
	if l := d.known(api); l != nil {
		return l, nil
	}
	err := d.refreshOnce(ctx)
	if l := d.known(api); l != nil {
		return l, nil // the other API may have failed
	}
	return nil, err
}

// read asks for the discovery document of an API, in the best version that the delegate has.
func (d *Delegate) read(ctx context.Context, api string) (*listing, error) {
	group, versions := customGroup, []string{"v1beta2", "v1beta1"}
	if api == ExternalAPI {
		group, versions = externalGroup, versions[1:]
	}
	for _, version := range versions {
		l, err := fetched(ctx, d, d.base.JoinPath("apis", group, version), func(body []byte) (*listing, error) {
			return readListing(api, group, version, body)
		})
		var f *failure
		if errors.As(err, &f) && f.answered == http.StatusNotFound {
			continue
		}
		return l, err
	}
	return &listing{}, nil
}

// CustomMetrics are the custom metrics that the delegate listed, sorted; none where it does not list them. The slice is
// shared and must not be changed.
func (d *Delegate) CustomMetrics() []Metric {
	if l := d.known(CustomAPI); l != nil {
		return l.sorted
	}
	return nil
}

// ExternalMetrics are the external metrics that the delegate listed, sorted; none where it does not list them.
func (d *Delegate) ExternalMetrics() []string {
	l := d.known(ExternalAPI)
	if l == nil {
		return nil
	}
	names := make([]string, len(l.sorted))
	for i, m := range l.sorted {
		names[i] = m.Name
	}
	return names
}
