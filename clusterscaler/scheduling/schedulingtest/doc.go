// Package schedulingtest draws random clusters of API objects, for tests that ask two implementations the same. Equal
// random numbers give equal clusters. It knows nothing of the implementations.
package schedulingtest
