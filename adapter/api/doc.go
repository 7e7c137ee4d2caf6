// Package api is the aggregated API server of the adapter: custom.metrics.k8s.io v1beta1 and v1beta2,
// external.metrics.k8s.io v1beta1, and metrics.k8s.io v1beta1.
//
// It guarantees that:
//   - the cluster's API server authenticates and authorises every request but the health checks
//     (front-proxy certificates, TokenReview, SubjectAccessReview);
//   - certificate files are read again when they change;
//   - the server ends with its context, after the requests in flight were answered;
//   - nothing of it is process-wide: no flags, no exit, no /metrics.
//
// A request takes one of two ways. The API server library answers everything; that costs it a third of a millisecond of CPU
// for a small answer. In front of it stands fast, which takes the GETs that come all day: a metric by name or selector, an
// external metric, the list of a version. The library's own authenticator says who asks. fast answers with the bytes,
// headers and statuses of the library, and asks for a review of the same attributes; random answers, hostile URLs and false
// identities are fed to both in the tests. What it remembers is bounded: a permission for AuthorizedTTL, a refusal for ten
// seconds, that a certificate is the front proxy's for ten seconds under the same CA and names, the meaning of URLs and
// Accept headers, and the encoded list of a generation.
//
// It does not know where metrics come from: CustomAPI, ExternalAPI and ResourceAPI do. Their errors of Kubernetes' API
// reach the client unchanged; this package has constructors for them. Only the header Retry-After is removed for
// clients that would wait for it.
package api
