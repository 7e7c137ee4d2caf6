// Package migrationtest has the common tests of all programs of package migration. They run scenarios in text files,
// compare the table of flags with the flags of the real program, and check that a conversion omits nothing. Only tests
// import it.
package migrationtest
