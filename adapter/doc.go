// Package adapter serves the custom and the external metrics API out of prometheus-adapter's rule files, and
// the external metrics that other parts of trimtab bring.
//
// It guarantees that a request lists no objects from the API server (selectors are answered from watches),
// that identical queries asked at the same time are one query, that a sample keeps its own timestamp, and
// that a failure is an error with its cause and never a number: 503 with Retry-After while Prometheus is down,
// 504 while it is slow, 404 only for what does not exist. While a series selector fails, the metrics known from
// it stay known, and other selectors are not affected; nothing needs a restart after a failure.
//
// It keeps no values: each request is a query. It does not serve metrics.k8s.io.
package adapter
