// Package recommender is the service that does the work of the VPA recommender: it watches VerticalPodAutoscaler
// objects, learns from Prometheus what the containers of their pods use, and writes what they should
// request into the status, with checkpoints that survive a restart. It runs on the leader.
//
// It guarantees that the numbers are those of the original recommender (package recommend lists the few
// deviations), that checkpoints can be taken over from it and by it, that nothing is written when nothing
// meaningful changed, and that a failing Prometheus or API server leaves every recommendation as it is.
// One bad object never stops the others: what is wrong with it stands in its condition ConfigUnsupported
// and in an Event.
//
// Usage is kept for each VPA and container, not for each label set of pods, so that memory does not grow
// with rollouts and a pod's samples are taken in once for each VPA that matches it.
package recommender
