// Package status computes the status of a ScaledObject, and the Events to send, from the observations and the decision
// of a round.
//
// It guarantees that equal rounds give an equal status, so that nothing is written while nothing changes. Messages have
// no running numbers. While a trigger is active, the time of last activity changes in steps of a quarter of the
// cooldown. The package writes nothing.
package status
