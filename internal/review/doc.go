// Package review asks the cluster's API server who a client is (TokenReview) and what it may do (SubjectAccessReview).
//
// It guarantees that each review ends within Timeout, and that equal concurrent reviews are one request. A permission
// is cached for a time, a refusal for ten seconds. An error is never a permission and is not cached. The cache is
// bounded. Each Client has its own budget of requests.
package review
