// Package config decodes what users write, strictly: a key that nothing reads and a key that stands
// twice are errors, and so is a value of the wrong kind.
//
// It guarantees that all errors of a file are reported at once, each with the file, the line, the path
// of the value ("clusterScaler.groups[0].max") and what would mend it, and that no error prints the
// value of a field marked `secret:"true"`. It knows no part of trimtab: each part owns its Config
// struct, its defaults and its Validate.
package config
