// Package command is what the benches have in common as programs: exit codes, progress, and figures as a file.
package command
