// Package apitest stands in for the cluster's API server in tests of an aggregated one.
//
// It implements only what delegated authentication and authorisation need: the configmap with the CAs, TokenReview and
// SubjectAccessReview. It knows no tokens but the constants below.
package apitest
