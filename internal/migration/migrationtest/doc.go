// Package migrationtest has the tests that are the same for every program of package migration: scenarios in
// text files, a table of flags that agrees with the flags of the real program, and a conversion that leaves
// nothing out. Only tests import it.
package migrationtest
