// Package delegate asks another custom or external metrics server for metrics that no rule of trimtab exposes. A
// cluster can register only one server of each API. With trimtab registered, KEDA's, a vendor's or another adapter
// still works behind it.
//
// It guarantees that:
//   - trimtab asks with its own identity; of the user's request it sends only the question;
//   - no answer is read past a limit, and no redirect is followed;
//   - a missing value, or one that is no quantity, is an error and never zero;
//   - callers who ask the same at the same time share one answer;
//   - a delegate that did not answer is not asked for a second, so that it does not delay other requests;
//   - "does not exist" and "nobody knows" are different results.
//
// It does not decide who may ask: the server has authenticated and authorised its user before. It keeps no values and
// does not retry. Every request has Header, so that the server can refuse a loop with Refuse.
package delegate
