// Package scalers scales by events: it does what KEDA does for ScaledObjects.
//
// For each ScaledObject, once a polling interval, it:
//  1. reads the triggers;
//  2. decides between zero, idle and the minimum (package replicas);
//  3. keeps the HPA that decides above the minimum (package hpa);
//  4. reports in the status and in Events what it did and why (package status).
//
// It serves the triggers' values to the HPA as external metrics.
//
// It guarantees:
//   - A trigger that cannot be read is never served as a number, and never scales anything in.
//   - One bad object does not stop the others, and one namespace does not stop another.
//   - Replicas are written only over the count of the decision.
//   - Nothing is written while nothing changes.
//   - Every replica of trimtab serves external metrics; only the leader runs Run, which writes.
//
// It does not support ScaledJobs, formulas over triggers (scalingModifiers), fallbacks other than static, or
// restoreToOriginalReplicaCount. It refuses an object that uses one of them, names the field, and does nothing for the
// object.
package scalers
