// Package recommend computes the recommendation of a VerticalPodAutoscaler from the usage of containers, and says why.
// It uses percentiles, the safety margin, the confidence, the pod's minimum and the limits of the resource policy.
//
// It guarantees the numbers of the original recommender, in the same integer steps, for the same samples
// in the same order. It deviates in these points, each time because a missing number is not zero:
//
//   - A container, or one resource of it, without a single sample gets no recommendation instead of the
//     pod's minimum; what was recommended before is kept.
//   - A memory window that began with a reading of zero bytes still takes the peaks that follow.
//   - A status is not rewritten when only a bound drifted by a percent or less (see WorthWriting).
//   - The peaks of the current memory windows are kept beside a checkpoint, so that a restart loses none.
//
// It reads no cluster and no clock: samples, policy, time and the former status are arguments.
package recommend
