// Package delegate asks another custom- or external-metrics server for what no rule of trimtab knows. A cluster
// can register only one server of each API: with trimtab in that place, KEDA's, a vendor's or another adapter go
// on working behind it.
//
// It guarantees that a delegate is asked with trimtab's own identity and never with anything of the user's
// request but the question; that no answer is read past a limit, and no redirect followed; that a value which is
// missing or no quantity is an error and never zero; that callers who ask the same at the same time share one
// answer; that a delegate which did not answer is left alone for a second, so that it costs others nothing; and
// that "does not exist" is told from "nobody can tell".
//
// It does not decide who may ask: the server in front has authenticated and authorised its user. It keeps no
// values, and does not retry. A loop is the server's to refuse, with Refuse; every request bears Header for it.
package delegate
