// Package leader finds the replica of trimtab that leads, and opens connections to ports of its localhost.
//
// It guarantees that its errors name the object that was asked for and what mends them: an RBAC rule where a right is
// missing, a flag where the address is another one. It listens on no port of this machine, so that no other user of the
// machine can use the rights of the one who asks.
package leader
