// Command trimtab scales pods out and in, sizes them, and scales the nodes under them, and says why.
//
// This package knows every part and wires them by a literal list; nothing else in the module does. It
// guarantees the command line of docs/cli.md: text or JSON on standard output, errors on standard error
// as lines that name the thing and the mend, exit 0 when done, 1 when the input is wrong or a check
// failed, 2 for wrong usage. No decision is made here.
package main
