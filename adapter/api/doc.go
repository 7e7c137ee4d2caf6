// Package api is the aggregated API server of the adapter: custom.metrics.k8s.io v1beta1 and v1beta2, and
// external.metrics.k8s.io v1beta1.
//
// It guarantees that every request but the health checks is authenticated and authorised by the API server
// of the cluster (front-proxy certificates, TokenReview, SubjectAccessReview), that certificates given as
// files are read again when they change, that the server ends with its context after the requests in flight
// were answered, and that nothing of it is process-wide: no flags, no exit, no /metrics of its own.
//
// It does not know where metrics come from: that is the providers' business. What they return as errors of
// Kubernetes' API, for which this package has constructors, reaches the client as it is; the header Retry-After
// is kept from clients that would block on it.
package api
