// Package kubeschedtest draws random clusters whose pods have volumes and device claims, for tests that ask two
// implementations the same. Equal random numbers give equal clusters. Objects that are missing, half bound, being deleted or
// shared are among them.
package kubeschedtest
