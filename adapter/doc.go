// Package adapter serves the custom, the external and the resource metrics API from rule files of prometheus-adapter.
// It also serves external metrics of other parts of trimtab.
//
// A request belongs to a family: requests that differ only in the values of labels. Where package merge proves it safe,
// one common query answers the whole family. Package memory evaluates the common query once for each point of a grid of
// time, before the HPAs ask. All other queries are sent as they are written, once for any number of concurrent callers.
//
//	HPAs ---announce--> demand --+
//	requests --want-->           +--> family --common query--> table --rows--> answers
//	                             |
//	                             +--> exact query, without a proof, or where the table does not cover the request
//
// It guarantees:
//   - A request lists no objects from the API server: watches answer selectors.
//   - No answer is older than two points of the grid, and no old answer hides an error.
//   - With compat each request is asked as prometheus-adapter asks it.
//   - A sample keeps its own timestamp.
//   - A failure is an error with its cause and never a number: 503 with Retry-After while Prometheus is down, 504 while it
//     is slow, 404 only for a metric or object that does not exist.
//   - If a query gives several rows for one object, one of them is served. It is the same row in each mode and in any
//     order of the rows. A row that is no number never hides a row that is one.
//   - While a series selector fails, the metrics known from it stay known, and other selectors are not affected. A metric
//     that the selector could bring is not reported as missing.
//   - A new configuration applies as a whole or not at all. Nothing needs a restart after a failure.
//
// It keeps no history and computes no values: each value is Prometheus's.
package adapter
