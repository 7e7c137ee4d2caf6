package externalgrpc

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxQuantity bounds the text of a quantity; 18446744073709551615 is long already.
const maxQuantity = 64

var errQuantity = errors.New("is no quantity of a node")

// checkQuantities looks at the texts of the quantities in a serialized Node before it is decoded: reading one such as
// 1e-2000000000 would take hours.
func checkQuantities(node []byte) error {
	const status, value, text = 3, 2, 1
	for _, list := range []protowire.Number{1, 2} { // capacity and allocatable, maps
		if err := eachField(node, []protowire.Number{status, list, value, text}, checkQuantity); err != nil {
			return err
		}
	}
	return nil
}

func checkQuantity(text []byte) error {
	if len(text) > maxQuantity {
		return fmt.Errorf("%q... %w", text[:maxQuantity], errQuantity)
	}
	if e := strings.LastIndexAny(string(text), "eE"); e >= 0 && len(strings.Trim(string(text[e+1:]), "+-")) > 2 {
		return fmt.Errorf("%q %w", text, errQuantity)
	}
	return nil
}

// eachField visits the fields at the path of numbers through nested messages.
func eachField(message []byte, path []protowire.Number, visit func([]byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return protowire.ParseError(n)
		}
		if number == path[0] && kind == protowire.BytesType {
			field, _ := protowire.ConsumeBytes(message)
			check := visit
			if len(path) > 1 {
				check = func(nested []byte) error { return eachField(nested, path[1:], visit) }
			}
			if err := check(field); err != nil {
				return err
			}
		}
		message = message[n:]
	}
	return nil
}
