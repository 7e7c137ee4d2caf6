// Package story is what `make demo` shows and what the end-to-end test asserts: one cluster on which a
// load rises and falls, and everything follows it, step by step.
//
// Each step causes something in the world (requests, items in a list) and then waits, through the real
// API only, for what a user would see; it fails with the state of the cluster when that does not come.
// The parts of trimtab are never called here.
package story
