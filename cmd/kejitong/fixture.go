package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// fixture is what a certification run needs in the database.
type fixture struct {
	Clients  []fixtureClient  `json:"clients"`
	Tokens   []fixtureToken   `json:"initial_access_tokens"`
	Accounts []fixtureAccount `json:"accounts"`
}

// fixtureClient is a client with everything that can be registered of one.
type fixtureClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	client.Metadata
}

// fixtureToken is an initial access token; it is good for days from each start.
type fixtureToken struct {
	ID      string        `json:"id"`
	Token   string        `json:"token"`
	MaxUses int64         `json:"max_uses"`
	Days    int           `json:"days"`
	Policy  client.Policy `json:"policy"`
}

// fixtureAccount is a person whose identity counts as verified.
type fixtureAccount struct {
	Login    string         `json:"login"`
	Password string         `json:"password"`
	Level    string         `json:"level"`
	Claims   standardClaims `json:"claims"`
}

const maxFixture = 1 << 20

// readFixture reads the file. Its secrets are worth as much as any: nobody but
// its owner may read it.
func readFixture(path string) (*fixture, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %s", cause(err))
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("is open to others (mode %s); run: chmod 600 %s", info.Mode().Perm(), path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %s", cause(err))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFixture+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot be read: %s", cause(err))
	}
	if len(b) > maxFixture {
		return nil, errors.New("is larger than 1 MiB")
	}
	return parseFixture(b)
}

func parseFixture(b []byte) (*fixture, error) {
	out := &fixture{}
	if err := strictly(b, out); err != nil {
		return nil, err
	}
	for i := range out.Clients {
		if err := out.Clients[i].check(); err != nil {
			return nil, fmt.Errorf("client %q: %w", out.Clients[i].ID, err)
		}
	}
	for i := range out.Tokens {
		if err := out.Tokens[i].check(); err != nil {
			return nil, fmt.Errorf("initial access token %q: %w", out.Tokens[i].ID, err)
		}
	}
	for _, a := range out.Accounts {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("account %q: %w", a.Login, err)
		}
	}
	return out, nil
}

// strictly reads YAML or JSON into to, which must know every key.
func strictly(b []byte, to any) error {
	tree, err := yaml.Parser().Unmarshal(b)
	if err != nil {
		return errors.New("is not valid YAML or JSON") // the parser's words would quote it
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return errors.New("holds a key that is not text")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("does not fit: %w", err)
	}
	return nil
}

// placeholder tells a value of the shipped example that nobody replaced.
func placeholder(s string) bool { return strings.HasPrefix(s, "REPLACE") }

func (c *fixtureClient) check() error {
	if err := client.CheckID(c.ID); err != nil {
		return err
	}
	if placeholder(strings.Trim(string(c.JWKS), `"`)) {
		return errors.New("jwks still holds the placeholder; put the client's public keys there")
	}
	m, err := c.NormaliseByOperator()
	if err != nil {
		return named(err)
	}
	c.Metadata = m
	switch {
	case placeholder(c.Secret):
		return errors.New("client_secret still holds the placeholder; put a random secret of 32 characters or more there")
	case m.HasSecret():
		return client.CheckSecret(c.Secret)
	case c.Secret != "":
		return errors.New("client_secret does not go with the authentication " + m.TokenEndpointAuthMethod)
	}
	return nil
}

// named puts the member before the message of a fault.
func named(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && f.Field != "" {
		return fmt.Errorf("%s %w", f.Field, err)
	}
	return err
}

func (t *fixtureToken) check() error {
	if t.Days == 0 {
		t.Days = 30
	}
	switch {
	case t.ID == "":
		return errors.New("id is missing")
	case placeholder(t.Token):
		return errors.New("token still holds the placeholder; put a random token of 32 characters or more there")
	case client.CheckSecret(t.Token) != nil:
		return errors.New("token is no random text of 32 to 128 characters out of A-Z a-z 0-9 _ -")
	case t.MaxUses < 1 || t.MaxUses > maxTokenUses:
		return fmt.Errorf("max_uses is not between 1 and %d", maxTokenUses)
	case t.Days < 1 || t.Days > maxTokenDays:
		return fmt.Errorf("days is not between 1 and %d", maxTokenDays)
	}
	return named(t.Policy.Check())
}

func (a fixtureAccount) check() error {
	if _, err := account.NormaliseLogin(a.Login); err != nil {
		return err
	}
	if a.Password == "" || placeholder(a.Password) {
		return errors.New("password is missing or still holds the placeholder")
	}
	return a.Claims.check("claims")
}
