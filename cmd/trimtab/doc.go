// Command trimtab scales pods and nodes, and sets the requests of pods. It says why it does so.
//
// Only this package knows every part; it connects them. It guarantees the command line of docs/cli.md. Text or JSON
// goes to standard output. Errors go to standard error, one line each, with the object and the correction. The exit
// code is 0 for success, 1 for wrong input or a failed check, and 2 for wrong usage. It makes no decisions.
package main
