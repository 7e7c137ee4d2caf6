// Package logs makes the structured log of the process.
//
// It guarantees that each message, key and value of a line is a text.Line, whoever logs it and whatever its type: what is
// longer was never meant to be read there, and would fill the disk of the node.
package logs
