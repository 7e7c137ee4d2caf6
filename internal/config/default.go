package config

import "fmt"

// OrDefault shows a value in a problem about another setting. It says if the value is the default, since then the file
// may not have it.
func OrDefault[T comparable](value, standard T) string {
	if value == standard {
		return fmt.Sprintf("%v by default", value)
	}
	return fmt.Sprint(value)
}
