package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// What belongs to an account many times comes as a JSON array of arrays in one
// column, so that a principal is one row. Each inner array is flat: the columns
// of one row, in order. It is read by hand because every protocol request that
// shows a token reads some, and encoding/json needs four times as long.

// tuple is the pointers that one array is read into, in order.
type tuple []any

var errTuple = errors.New("store: not an array of plain values")

// read decodes one array into pointers, as many as it has values.
func read(b []byte, into tuple) error {
	rest, err := into.scan(b)
	if err == nil && len(blanks(rest)) > 0 {
		err = errTuple
	}
	return err
}

// readAll decodes an array of arrays; next gives the pointers of one more.
func readAll(b []byte, next func() tuple) error {
	if len(b) == 0 {
		return nil
	}
	rest, empty, err := opened(b)
	for err == nil && !empty {
		if rest, err = next().scan(rest); err == nil {
			rest, empty, err = following(rest)
		}
	}
	if err == nil && len(blanks(rest)) > 0 {
		err = errTuple
	}
	return err
}

// scan reads one array off the front of b and gives what follows it.
func (t tuple) scan(b []byte) ([]byte, error) {
	rest, over, err := opened(b)
	n := 0
	for ; err == nil && !over; n++ {
		var value []byte
		if value, rest, err = scalar(rest); err != nil {
			break
		}
		if n == len(t) {
			return nil, fmt.Errorf("store: more than the %d values that stand for", len(t))
		}
		if err = set(t[n], value); err == nil {
			rest, over, err = following(rest)
		}
	}
	if err == nil && n != len(t) {
		err = fmt.Errorf("store: %d values where %d stand", n, len(t))
	}
	return rest, err
}

// opened steps over the bracket that opens an array; empty says that the array
// ended at once.
func opened(b []byte) (rest []byte, empty bool, err error) {
	b = blanks(b)
	if len(b) == 0 || b[0] != '[' {
		return nil, false, errTuple
	}
	if b = blanks(b[1:]); len(b) > 0 && b[0] == ']' {
		return b[1:], true, nil
	}
	return b, false, nil
}

// following steps over the comma before the next value, or over the bracket that
// closes the array.
func following(b []byte) (rest []byte, over bool, err error) {
	b = blanks(b)
	switch {
	case len(b) > 0 && b[0] == ',':
		return blanks(b[1:]), false, nil
	case len(b) > 0 && b[0] == ']':
		return b[1:], true, nil
	}
	return nil, false, errTuple
}

func blanks(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// scalar cuts a string, number, boolean or null off the front of b. What it cuts
// is checked by set.
func scalar(b []byte) (value, rest []byte, err error) {
	if len(b) > 0 && b[0] == '"' {
		for i := 1; i < len(b); i++ {
			switch b[i] {
			case '\\':
				i++
			case '"':
				return b[:i+1], b[i+1:], nil
			}
		}
		return nil, nil, errTuple
	}
	n := bytes.IndexAny(b, ",] \t\r\n")
	if n <= 0 || b[0] == '[' || b[0] == '{' {
		return nil, nil, errTuple
	}
	return b[:n], b[n:], nil
}

// set stores a value; null leaves what is there, as encoding/json does. What is
// not one of the plain cases is left to encoding/json.
func set(to any, value []byte) error {
	switch value[0] {
	case '"':
		if plain := value[1 : len(value)-1]; bytes.IndexByte(plain, '\\') < 0 && printable(plain) {
			return setText(to, plain, value)
		}
	case 't', 'f':
		if p, ok := to.(*bool); ok && (string(value) == "true" || string(value) == "false") {
			*p = value[0] == 't'
			return nil
		}
	default:
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && value[0] != '+' && !zeroes(value) {
			switch p := to.(type) {
			case *instant:
				*p.t = moment(n)
				return nil
			case *int64:
				*p = n
				return nil
			}
		}
	}
	return json.Unmarshal(value, to)
}

// setText stores a string without escapes.
func setText(to any, plain, quoted []byte) error {
	switch p := to.(type) {
	case *string:
		*p = string(plain)
		return nil
	case *document:
		return p.Scan(plain)
	}
	if v := reflect.ValueOf(to); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.String {
		if _, own := to.(json.Unmarshaler); !own {
			v.Elem().SetString(string(plain))
			return nil
		}
	}
	return json.Unmarshal(quoted, to)
}

// printable tells whether a string can be taken over as it is: JSON allows no
// control characters, and encoding/json mends broken UTF-8.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' {
			return false
		}
	}
	return utf8.Valid(b)
}

// zeroes tells whether a number has a leading zero, which JSON does not know.
func zeroes(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	return len(b) > 1 && b[0] == '0'
}
