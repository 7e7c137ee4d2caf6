// Package replicas decides how many replicas the target of a ScaledObject gets between zero, the idle
// count and the minimum. Above the minimum the HPA decides.
//
//	          a trigger is active                         (the HPA scales)
//	0 or idle ------------------------> max(1, min) <-------------------> max
//	    ^                                    |
//	    +------------------------------------+  at once from any count, when no trigger
//	                                            is active for cooldownPeriod
//
// Decide guarantees: equal inputs give equal outputs; a target is never scaled in while any trigger's
// reading is an error; what it asks for is 0, the idle count, the minimum, or 1, and never more than
// the maximum; time, memory and policy are arguments. It neither reads a source nor writes a scale,
// and it does not know of pausing altogether, which is an order and not a decision.
package replicas
