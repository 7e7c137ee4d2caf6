// Package manifest reads one Kubernetes object of a file into its Go type, as the API server does with strict field validation.
//
// It guarantees that all mistakes are reported at once, each with the path of its field
// ("spec.triggers[0].type") and what would mend it: unknown fields, fields that stand twice, and values of a wrong type.
package manifest
