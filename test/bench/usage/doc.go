// Package usage reads what a process of this machine uses, from /proc, and what it asked of the API server, from the
// lab's audit log.
package usage
