// Package histogram holds decaying histograms of CPU and memory usage, as the Vertical Pod Autoscaler
// defines them: buckets that grow by 5%, weights that double every half-life, percentiles that are the
// upper edge of a bucket, and checkpoints of version v3.
//
// It guarantees bit-identical results to that definition: the same samples in the same order give the
// same bucket weights, percentiles and checkpoints to the last bit. Values are whole units (milli-cores,
// bytes), so that a bucket is found by a binary search over integers instead of a logarithm; only the
// buckets in use are kept.
//
// It knows no clock, no container and no policy. A Histogram is not safe for concurrent use.
package histogram
