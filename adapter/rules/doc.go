// Package rules is the core of the adapter: it reads prometheus-adapter's rule file.
//
// It derives:
//   - from the rules and the series in Prometheus: which metrics are exposed on which kinds of objects;
//   - from a metric and its objects: the PromQL, and its form, which requests for other objects share;
//   - from a sample's value: the quantity for Kubernetes;
//   - what discovery has to list, so that it lists nothing else;
//   - warnings about rules that probably do not do what is meant.
//
// It guarantees that the PromQL of a request is, byte for byte, the PromQL that prometheus-adapter sends, with two
// exceptions. Names and values inside a regular expression are escaped, so that a node "n-1.x" does not match "n-10x".
// A label name that is no plain word in PromQL's grammar is quoted. A matcher always compares with exactly the
// requested value, and no value can end its string literal. A value that no quantity can hold (NaN, an infinity, a
// number out of range) is no value, unless the rule makes it zero. Equal inputs give equal outputs in an equal order.
//
// It makes no requests: the series, the cluster's resource kinds and the objects are arguments. It accepts a
// metricsQuery that is not valid PromQL, since other servers with Prometheus's API have wider dialects; Lint reports
// it.
package rules
