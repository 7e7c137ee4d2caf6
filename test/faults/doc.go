// Package faults runs trimtab's metrics API against a real Prometheus that fails in every way there is, with a real
// API server behind: it stops, hangs, refuses, breaks, answers garbage and parts of answers, forgets everything, and
// has another idea of the time. After each fault the right number must come back without a restart, and in none of
// them may there be a wrong one.
package faults
