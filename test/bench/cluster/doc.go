// Command cluster measures a trimtab that runs all parts in a large cluster: memory, the time until it is ready, the
// phases of each part's loop, the calls to the API server, and CPU.
//
// The control plane, Prometheus and the HPA controller are real, with their usual intervals. The pods have owners, are
// bound and run; every metric is at its target, every node is used by more than a half, and no pod is pending. So
// nothing is to be decided, and each call to the API server is one that trimtab makes at rest.
package main
