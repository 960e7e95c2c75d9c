package notify

import (
	"errors"
	"net/url"
	"path"
)

// Template says which registered text of a provider a message uses: Purpose may
// end in *, the first that fits counts. Providers in the Chinese mainland send
// registered texts alone.
type Template struct{ Purpose, ID string }

var errNoTemplate = errors.New("no template is configured for this purpose")

func templateOf(list []Template, purpose string) (string, error) {
	for _, t := range list {
		if ok, err := path.Match(t.Purpose, purpose); err == nil && ok {
			return t.ID, nil
		}
	}
	return "", errNoTemplate
}

// unquoted is an error of package net/http without the address, whose query may
// hold a number.
func unquoted(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
