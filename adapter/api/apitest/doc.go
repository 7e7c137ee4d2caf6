// Package apitest stands in for the cluster's API server in tests of an aggregated one.
//
// It guarantees no more than what delegated authentication and authorisation ask: the configmap with the CAs,
// TokenReview and SubjectAccessReview. It knows the tokens of the constants below and nothing else.
package apitest
