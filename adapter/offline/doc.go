// Package offline makes a cluster and a Prometheus from one file. The adapter answers requests on them as it does in a
// live cluster: `trimtab simulate metrics`.
//
// It guarantees that Prometheus's own PromQL engine computes values, and that kinds are resolved by the same REST
// mapper as in a live cluster. Equal files give equal answers. A hostile file costs bounded memory: notations are
// counted before they are expanded, and queries have limits of samples and time. The package reads no clock and opens
// no connection. Prometheus and Cluster implement the adapter's Server and Cluster, and are safe for concurrent use.
package offline
