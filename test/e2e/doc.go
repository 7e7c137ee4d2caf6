// Package e2e runs trimtab as its users do, on the real control plane of package lab: the demo as a
// program of its own, and the faults that it must survive. What is asserted is read from the API server,
// or from what trimtab shows to operators; no part of it is called here.
package e2e
