// Package merge proves that many queries may be asked as one, and writes that one.
//
// A rule's query is asked once for each namespace, pod or other object, and the texts differ in nothing
// but the values of a few label matchers. These labels are the dimensions. Prove reads the syntax tree of
// one such text and either returns a Form, which writes the common query, or a Refusal, which names the
// rule of the proof that fails, the part of the query where it fails, and what would mend it.
//
// It guarantees: wherever the common query is answered, the rows whose dimensions have the values of one
// request, without the labels of Form.Added, are exactly the rows of that request's own query, asked at
// the same time of the same data. Sums may be taken in another order, so that values agree but for the
// last bits. What is not known to be safe is refused: functions and modifiers are admitted by name.
//
// The common query can fail where a request's own query does not: the server may limit its size, and
// where Form.Fragile tells so, one object's odd series may spoil it for all. A failure of the common
// query says nothing of any request; each is then to be asked for itself.
//
// The text is all that is proved. That the text for other values differs from the one given in nothing
// but the values is for the caller to know.
package merge
