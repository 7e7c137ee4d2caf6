package rules

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
)

// sentinelPrefix is the start of the values that replace requested values in a Form. A query that contains it has no
// form.
const sentinelPrefix = "trimtab:value:"

// errSentinel is the error of a query whose own text could be taken for a sentinel.
var errSentinel = errors.New("the query holds " + sentinelPrefix + " itself, so it is asked exactly as it is written")

// Form is a request without its values. Requests with an equal Key differ only in the values of their Dimensions.
type Form struct {
	// Key is equal for requests that may share one query. It is valid for one Set.
	Key string
	// Text is PromQL with each dimension as label="sentinel".
	Text string
	// Dimensions are the labels that requests compare with one value: the selector's labels, sorted, then the
	// namespace's, then the object's.
	Dimensions []FormDimension
	// ObjectLabel is the label of the dimension that names objects; empty for external metrics.
	ObjectLabel string
	// ExtraLabel is as in Query.
	ExtraLabel string
}

// FormDimension is a label that requests of one Form compare with a value each. Sentinel replaces the value in the
// Form's text; no other text of the query contains it.
type FormDimension struct{ Label, Sentinel string }

// Mergeable says why requests must be sent exactly as they are written; nil where they need not. It uses the rule's
// settings, not the PromQL.
func (s Source) Mergeable() error {
	switch {
	case s.rule.extras.merge == MergeNever:
		return fmt.Errorf("%s has merge: never", s.Rule())
	case s.rule.query == nil:
		return fmt.Errorf("%s has no %s", s.Rule(), s.rule.queryKey)
	case s.rule.query.uses.freely != "":
		return fmt.Errorf("%s of %s %s, so that the values asked for may stand anywhere in the query", s.rule.queryKey, s.Rule(), s.rule.query.uses.freely)
	default:
		return nil
	}
}

// FormKey is the Key of the request's Form, without rendering the Form. It also returns the values of the Dimensions,
// in order, without the object's. The objects' names have no effect. The error says why the request has no form.
func (s Source) FormKey(o Objects, selector labels.Selector) (string, []string, error) {
	object, namespaceLabel, err := s.labels(o)
	if err != nil {
		return "", nil, err
	}
	p, err := partsOf(selector, namespaceLabel, o.Namespace, object)
	if err != nil {
		return "", nil, err
	}
	return s.formKey(p, object), p.values(object), nil
}

// Form removes the values from a request for a metric of objects. The objects' names have no effect.
func (s Source) Form(o Objects, selector labels.Selector) (Form, error) {
	object, namespaceLabel, err := s.labels(o)
	if err != nil {
		return Form{}, err
	}
	p, err := partsOf(selector, namespaceLabel, o.Namespace, object)
	if err != nil {
		return Form{}, err
	}
	return s.form(p, object, s.rule.groupBy(object))
}

// ExternalFormKey is FormKey for an external metric.
func (s Source) ExternalFormKey(namespace string, selector labels.Selector) (string, []string, error) {
	namespaceLabel, err := s.externalLabel(namespace)
	if err != nil {
		return "", nil, err
	}
	p, err := partsOf(selector, namespaceLabel, namespace, "")
	if err != nil {
		return "", nil, err
	}
	return s.formKey(p, ""), p.values(""), nil
}

// ExternalForm removes the values from a request for an external metric.
func (s Source) ExternalForm(namespace string, selector labels.Selector) (Form, error) {
	namespaceLabel, err := s.externalLabel(namespace)
	if err != nil {
		return Form{}, err
	}
	p, err := partsOf(selector, namespaceLabel, namespace, "")
	if err != nil {
		return Form{}, err
	}
	return s.form(p, "", nil)
}
