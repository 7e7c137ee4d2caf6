// Package status computes the status of a ScaledObject, and the Events that are due, from what was
// observed and decided in a round.
//
// It guarantees that equal rounds give an equal status, so that nothing is written while nothing
// changes: messages carry no running numbers, and the time of last activity follows in steps of a
// quarter of the cooldown while a trigger is active. It writes nothing.
package status
