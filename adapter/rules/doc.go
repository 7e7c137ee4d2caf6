// Package rules is the core of the adapter: prometheus-adapter's rule file as values.
//
// From the rules and from the series that Prometheus holds it derives which metrics are exposed on which
// kinds of objects; from a metric and the objects asked for, the PromQL that answers, and its form, which
// requests for other objects share; from a sample's value, the quantity that Kubernetes carries. It tells
// what discovery has to ask for, so that only that is asked, and lints a file for what it does not mean.
//
// It guarantees that the PromQL of a request is, byte for byte, the one that prometheus-adapter sends,
// but for two things: names and values that stand in a regular expression are escaped, so that a node
// "n-1.x" does not match "n-10x"; and a label name that PromQL's grammar does not know as a plain word is
// quoted. A matcher always compares with the very value asked for, whatever characters that holds, and
// no value can end the string literal it stands in. A value that no quantity can hold (NaN, an infinity,
// a number out of range) is no value, unless the rule takes it for zero. Equal inputs give equal outputs in an
// equal order.
//
// It asks nobody anything: the series, the cluster's resource kinds and the objects are arguments. It
// does not refuse a metricsQuery that is no valid PromQL, since other servers with Prometheus's API speak
// wider dialects; the linter tells.
package rules
