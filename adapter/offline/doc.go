// Package offline is a cluster and a Prometheus made of one file, on which the adapter answers requests as it
// does in a live cluster: `trimtab simulate metrics`.
//
// It guarantees that values are computed by Prometheus's own PromQL engine, that kinds are resolved by the same
// REST mapper as in a live cluster, that equal files give equal answers, and that a hostile file costs bounded
// memory: notations are counted before they are expanded, and queries have limits of samples and time. It reads
// no clock and connects to nothing. Prometheus and Cluster have the methods of the adapter's Server and Cluster;
// they are safe for concurrent use.
package offline
