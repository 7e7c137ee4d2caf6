// Package tenants attacks a running trimtab with what anybody may write who may create ScaledObjects in one
// namespace.
//
// It guarantees that under each attack a neighbour in another namespace is scaled in less than twice its usual
// time, that the process stays below the memory limit of deploy/, that the attacker's own objects say what is
// wrong with them, and that all of it is over when they are gone.
package tenants
