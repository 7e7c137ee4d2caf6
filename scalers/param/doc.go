// Package param describes the parameters of a trigger as a table, and reads them with it.
//
// A Table has one row for each parameter: its names, the places of its value in their order, its type, default and
// range, and one line of text. The check of a file, the running program, the errors and the page of a source use the
// same table, so that they agree.
//
// It guarantees:
//   - Parse makes no requests, and equal values give an equal result.
//   - It reports all problems at once, and shows the first ten.
//   - A key without a row is a warning, as KEDA ignores it.
//   - Values are trimmed, and an empty value counts as absent.
//   - Parse collects the secret values, and repeats none of them in a problem or a warning. It shows no value from an
//     authentication, an environment or a Secret row, no user, password or parameter of an address, and no value of an
//     unknown key.
package param
