// Package adapter serves the custom, the external and the resource metrics API out of prometheus-adapter's rule
// files, and the external metrics that other parts of trimtab bring.
//
// A request belongs to a family: the requests that differ in nothing but the values of labels. Where package merge
// proves it safe, one common query answers the whole family; package memory evaluates it once for each point of a
// grid of time, ahead of the HPAs that are going to ask. All other queries are asked as they are written, once for
// however many callers.
//
//	HPAs ---announce--> demand --+
//	requests --want-->           +--> family --common query--> table --rows--> answers
//	                             |
//	                             +--> exact query, where there is no proof, or the table does not cover the request
//
// It guarantees that a request lists no objects from the API server (selectors are answered from watches); that no
// answer is older than two points of the grid, and none hides an error; that with compat each request is asked as
// prometheus-adapter asks it; that a sample keeps its own timestamp; and that a failure is an error with its cause and
// never a number: 503 with Retry-After while Prometheus is down, 504 while it is slow, 404 only for what does not exist.
// Where a query gives several rows for one object, one of them is served, the same in each mode and whatever their order,
// and a row that is no number hides none that is. While a series selector fails, the metrics known from it stay known,
// other selectors are not affected, and what it would bring is not said to be missing. A new configuration is in force
// as a whole or not at all. Nothing needs a restart after a failure.
//
// It keeps no history, and computes no value itself: each is Prometheus's.
package adapter
