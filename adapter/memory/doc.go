// Package memory keeps the answers of repeated queries. Each is evaluated on a grid of time that all queries, and all
// replicas, share.
//
// It guarantees:
//   - A query is sent at most once for each point of the grid, however many callers wait for it.
//   - A caller gets an answer of the current point. Only while that one is being loaded, it gets the answer of the point before.
//   - An old answer never hides an error, and after an error the query is not sent again within a second.
//   - A caller that gives up does not take the answer from the others.
//
// It does not know what a query is. The caller decides which queries to keep.
package memory
