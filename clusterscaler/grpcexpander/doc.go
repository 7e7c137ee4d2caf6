// Package grpcexpander asks an expander of the user's own which group is to grow, through cluster-autoscaler's protocol
// (BestOptions). It guarantees that an answer comes within a time limit, has a bounded size, and names groups that were
// asked about; everything else is an error, and the caller goes on without it.
package grpcexpander
