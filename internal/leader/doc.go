// Package leader finds the replica of trimtab that leads, and opens connections to ports of its localhost.
//
// Its errors name the requested object and the correction: an RBAC rule if a right is missing, a flag if the address is
// another one. It opens no port on this machine, so no other user of the machine can use the caller's rights.
package leader
