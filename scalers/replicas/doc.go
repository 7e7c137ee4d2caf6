// Package replicas decides how many replicas the target of a ScaledObject gets between zero, the idle
// count and the minimum. Above the minimum the HPA decides.
//
//	          a trigger is active                         (the HPA scales)
//	0 or idle ------------------------> max(1, min) <-------------------> max
//	    ^                                    |
//	    +------------------------------------+  at once from any count, when no trigger
//	                                            is active for cooldownPeriod
//
// Decide guarantees:
//   - Equal inputs give equal outputs; time, memory and policy are arguments.
//   - A target is never scaled in while any trigger's reading is an error.
//   - The wanted count is 0, the idle count, the minimum, or 1, and never more than the maximum.
//
// It neither reads a source nor writes a scale. It does not handle the pause annotation, since a pause is not a decision.
package replicas
