// Package group is what users write about a node group: its name and bounds, what its nodes are and how their
// pods get addresses.
//
// It guarantees that a template which passed its check gives a node with CPU, memory and pods, that those of a
// known EC2 instance type follow from package eni, and that equal templates give equal nodes. It knows no provider
// and no cluster: what becomes of a group is its users' affair.
package group
