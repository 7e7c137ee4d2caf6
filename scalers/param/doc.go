// Package param says what the parameters of a trigger are, as a table, and reads them by it.
//
// A Table has one row for each parameter: its names, where its value may stand and in which order, its type, default and
// range, and one line of text. The check of a file, the running program, the errors and the page of a source come from
// the same table, so that they agree.
//
// It guarantees that Parse asks nothing of anybody: equal values give an equal answer. It reports all problems at once, and
// shows the first ten. A key that no row has is a warning, as KEDA ignores it. Values are trimmed, and an empty one counts
// as absent. Parse collects the secrets among the values, and repeats none of them in a problem or a warning: no value of
// an authentication or of an environment, no value of a Secret row, no user, password or parameter of an address, and no
// value of an unknown key.
package param
