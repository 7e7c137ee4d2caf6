// Package programs brings the real programs that the lab runs: each is built from its Go module, or
// taken from Debian's packages, once for each version, into one folder.
//
// It guarantees that a program in that folder is complete (it is moved there when it is done), that two
// builders at one time do not disturb each other, that a changed version, flag or Go toolchain makes a
// new program, and that nothing outside the folder is written but Go's own caches. The folder is
// .cache/programs of the checkout, or $TRIMTAB_PROGRAMS where several checkouts share one.
//
// It imports the standard library only, so that it starts before anything is downloaded.
package programs
