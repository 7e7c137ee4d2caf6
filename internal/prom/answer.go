package prom

import "errors"

// errForeign is the error of a text that is not of Prometheus's API at all.
var errForeign = errors.New("not JSON of Prometheus's API")

// envelope has the outer fields of every answer of the API.
type envelope struct {
	status, errorType, message string
	warnings, infos            []string
}

// envelope reads an answer. It calls data to read the data, if there are any.
func (d *decoder) envelope(data func() error) (e envelope, err error) {
	c, err := d.peek()
	if _, broken := err.(sourceError); broken {
		return e, err
	}
	if err != nil || c != '{' {
		return e, errForeign
	}
	partial := false
	keys := keys{known: []string{"status", "data", "errorType", "error", "warnings", "infos", "isPartial"}}
	err = d.object(func(key []byte) error {
		which, err := keys.which(d, key)
		if err != nil {
			return err
		}
		switch which {
		case "status":
			e.status, err = d.optional()
		case "data":
			if e.status == "error" { // the error counts, whatever the data are
				err = d.skip()
			} else {
				err = data()
			}
		case "errorType":
			e.errorType, err = d.optional()
		case "error":
			e.message, err = d.optional()
		case "warnings":
			e.warnings, err = d.remarks()
		case "infos":
			e.infos, err = d.remarks()
		case "isPartial": // VictoriaMetrics reports it so
			var said []byte
			said, err = d.capture()
			partial = string(said) == "true"
		default:
			err = d.skip()
		}
		return err
	})
	if err == nil {
		err = d.finish()
	}
	if partial {
		e.warnings = append(e.warnings, "the server says that the answer is partial (isPartial)")
	}
	switch {
	case err != nil:
	case e.status == "":
		err = errForeign
	case e.status == "success" && keys.seen&2 == 0:
		err = d.wrong("it has no data")
	}
	return e, err
}

// optional reads a string; null is "".
func (d *decoder) optional() (string, error) {
	if null, err := d.null(); null || err != nil {
		return "", err
	}
	text, _, err := d.text()
	return string(text), err
}
