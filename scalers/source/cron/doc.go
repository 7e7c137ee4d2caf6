// Package cron is the trigger type cron: a number of replicas during windows of time.
//
// It guarantees that equal times give equal values, and makes no requests. The schedules are those of KEDA: five fields,
// read by the same library. The time zones are in the program, so that an image without them works.
package cron
