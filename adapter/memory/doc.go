// Package memory keeps the answers of questions that are asked again and again, each evaluated on a grid of
// time that all questions, and all replicas, share.
//
// It guarantees that a question is asked at most once for each point of the grid, however many callers wait
// for it; that a caller gets an answer of the current point, or, only while that one is on its way, the answer
// of the point before; that an error is never hidden behind an old answer, and is not asked for again within a
// second; and that a caller that gives up does not take the answer from the others.
//
// It does not know what a question is, nor which are worth keeping: that is its caller's to decide.
package memory
