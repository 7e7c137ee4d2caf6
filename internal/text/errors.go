package text

import "strings"

// Errors collects errors. It keeps the first Shown and counts the others. The zero value is empty.
type Errors struct {
	kept   []error
	others int
}

// Add adds err, or each of several joined errors. It ignores nil.
func (e *Errors) Add(err error) {
	switch joined := err.(type) {
	case nil:
	case more:
		e.others += int(joined)
	case interface{ Unwrap() []error }:
		for _, one := range joined.Unwrap() {
			e.Add(one)
		}
	default:
		if len(e.kept) == Shown {
			e.others++
			return
		}
		e.kept = append(e.kept, err)
	}
}

// Err is nil if there is no error. Otherwise it prints one line for each and "and N more".
func (e *Errors) Err() error {
	if len(e.kept) == 0 {
		return nil
	}
	all := e.kept[:len(e.kept):len(e.kept)]
	if e.others > 0 {
		all = append(all, more(e.others))
	}
	return joined(all)
}

// Join is errors.Join with at most Shown errors.
func Join(errs ...error) error {
	var all Errors
	for _, err := range errs {
		all.Add(err)
	}
	return all.Err()
}

// joined are errors without nil.
type joined []error

func (j joined) Error() string {
	lines := make([]string, len(j))
	for i, err := range j {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

func (j joined) Unwrap() []error { return j }

// Each applies f to err or, if several were joined, to each of them.
func Each(err error, f func(error) error) error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return f(err)
	}
	var all Errors
	for _, one := range several.Unwrap() {
		if _, counts := one.(more); !counts {
			one = f(one)
		}
		all.Add(one)
	}
	return all.Err()
}
