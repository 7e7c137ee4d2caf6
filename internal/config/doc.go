// Package config strictly decodes what users write: unknown keys, duplicate keys and values of the wrong kind are
// errors.
//
// It guarantees that all errors of a file are reported at once. Each has the file, the line, the path of the value
// ("clusterScaler.groups[0].max") and the correction. No error prints the value of a field marked `secret:"true"`. The
// package knows no part of trimtab: each part owns its Config struct, its defaults and its Validate.
package config
