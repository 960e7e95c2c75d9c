package interact

import (
	"net/url"

	"kejitong/provider/client"
	"kejitong/provider/consent"
)

// asked are the scopes that the user is asked about.
func asked(c *client.Client, form url.Values) []string {
	m := c.Metadata
	return consent.Asked(consent.Requested(m.Scope, form.Get("scope"), c.May("refresh_token")), m.Scope, form.Get("claims"))
}
