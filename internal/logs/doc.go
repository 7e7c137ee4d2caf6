// Package logs makes the structured log of the process.
//
// It guarantees that each message, key and value is a text.Line, whatever its type and whoever logs it. Longer texts
// would fill the disk of the node.
package logs
