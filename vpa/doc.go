// Package vpa does the work of the Vertical Pod Autoscaler: its configuration, its verdict codes and the checks of a
// VerticalPodAutoscaler in a file. Each service has its own package; so far there is one, recommender.
//
// It guarantees that CheckManifest refuses what the schema and the admission webhook of VPA refuse. The part changes no
// pod: there is no updater and no admission webhook here, and updateMode is not read.
package vpa
