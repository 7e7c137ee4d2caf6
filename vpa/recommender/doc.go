// Package recommender is the service that does the work of the VPA recommender. It watches VerticalPodAutoscaler
// objects and reads the usage of their pods' containers from Prometheus. It writes the recommended requests into the
// status, and keeps checkpoints that survive a restart. It runs on the leader.
//
// It guarantees:
//   - The numbers are those of the original recommender; package recommend lists the few differences.
//   - Both recommenders can use each other's checkpoints.
//   - Nothing is written when nothing meaningful changed.
//   - A failing Prometheus or API server leaves every recommendation as it is.
//   - One bad object never stops the others: its condition ConfigUnsupported and an Event say what is wrong.
//
// Usage is kept for each VPA and container, not for each label set of pods. So memory does not grow with rollouts, and
// each VPA that matches a pod counts its samples once.
package recommender
