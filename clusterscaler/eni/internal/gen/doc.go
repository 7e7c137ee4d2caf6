// Command gen writes the table of instance types of package eni from a JSON list of published facts.
//
//	gen LIMITS.json table_data.go
//
// Equal input gives an equal file. It refuses a list with a type that has no name, no interface or no
// address, that comes twice, or whose numbers do not fit the table's columns, and then writes nothing.
// It does not fetch anything.
package main
