// Package review asks the cluster's API server who a client is (TokenReview) and what it may do (SubjectAccessReview).
//
// It guarantees that each review ends within Timeout, that equal reviews at one time are one request, that a permission is
// believed for a time and a refusal for ten seconds, that selectors are all that a question leaves out, that an error is
// never a permission and is not remembered, and that what is remembered is bounded. Each Client has a budget of requests of
// its own.
package review
