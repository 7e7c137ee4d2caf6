// Package merge proves that one query can replace many, and writes it.
//
// A rule's query is sent once for each namespace, pod or other object. The texts differ only in the values of a few
// label matchers. These labels are the dimensions. Prove reads the syntax tree of one such text. It returns a Form,
// which writes the common query, or a Refusal. A Refusal names the rule of the proof that fails, the part of the query
// where it fails, and the correction.
//
// It guarantees this where the common query is answered: take the rows whose dimensions have the values of one request,
// and remove the labels of Form.Added. These are exactly the rows of that request's own query, at the same time on the
// same data. Sums may be taken in another order, so the last bits of values may differ. What is not known to be safe is
// refused: functions and modifiers are admitted by name.
//
// The common query can fail where a request's own query does not. The server may limit its size. Where Form.Fragile is
// true, unusual series of one object can make it fail for all. Such a failure says nothing about a single request, so
// the caller must then send each request's own query.
//
// Only the text is proved. The caller must make sure that the texts for other values differ only in the values.
package merge
