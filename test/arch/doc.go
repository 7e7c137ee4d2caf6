// Package arch checks the shape of the product: which package may import which, what a core may not
// know, and what every package must have. It reads the sources; nothing is built or run.
package arch
