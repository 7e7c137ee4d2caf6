// Package manifest reads one Kubernetes object of a file into its Go type, as the API server does with strict field validation.
//
// It guarantees that all problems are reported at once, each with the path of its field ("spec.triggers[0].type") and
// the correction: unknown fields, duplicate fields, and values of a wrong type.
package manifest
