package oidc

import (
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/consent"
)

// A user without an e-mail address has none for anybody, but for a client that
// registered for a substitute, at a deployment that has a domain for it; the
// address tells no more than the sub does, and is called verified only where the
// deployment says so. An address of the user's own goes before.
func TestSubstituteEmail(t *testing.T) {
	h := newHouse(t)
	wants := func(c *client.Client) *client.Client {
		c.Metadata.SubstituteEmail = true
		return c
	}
	at := func(id, uri string, c *client.Client) *client.Client {
		c.ID, c.Metadata.RedirectURIs = id, []string{uri}
		return c
	}
	email := func(e SubstituteEmails, c *client.Client, id account.ID, own string, scopes ...string) (any, any) {
		h.Emails = e
		g := person()
		g.Principal.Account.ID, g.Grant.Account = id, id
		g.Principal.Account.Profile.Email = own
		g.Grant.Data.Scopes = append([]string{consent.OpenID}, scopes...)
		info := h.newRelease(c, g, g.Grant.Data.Scopes).userinfo()
		return info["email"], info["email_verified"]
	}
	on := SubstituteEmails{Domain: "none.example.gov.cn"}
	first, verified := email(on, wants(standardClient()), "account-1", "", consent.Email)
	address, _ := first.(string)
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || !regexp.MustCompile(`^u[a-z2-7]{32}@none\.example\.gov\.cn$`).MatchString(address) {
		t.Fatalf("the address is %q (%v)", address, err)
	}
	if verified != false {
		t.Errorf("email_verified is %v where nobody said that the domain is the deployer's", verified)
	}
	if again, _ := email(on, wants(standardClient()), "account-1", "", consent.Email); again != first {
		t.Errorf("the same user at the same system has %v, and then %v", first, again)
	}
	for name, other := range map[string]func() (any, any){
		"another user": func() (any, any) { return email(on, wants(standardClient()), "account-2", "", consent.Email) },
		"another system": func() (any, any) {
			return email(on, wants(at("other", "https://other.example/cb", standardClient())), "account-1", "", consent.Email)
		},
	} {
		if got, _ := other(); got == first || got == nil {
			t.Errorf("%s has %v", name, got)
		}
	}
	if strings.Contains(address, "account") {
		t.Errorf("the address tells the account's id: %s", address)
	}
	_, verified = email(SubstituteEmails{Domain: on.Domain, Verified: true}, wants(standardClient()), "account-1", "", consent.Email)
	if verified != true {
		t.Errorf("email_verified is %v at the deployer's own domain", verified)
	}
	if got, _ := email(on, wants(standardClient()), "account-1", "someone@mail.example", consent.Email); got != "someone@mail.example" {
		t.Errorf("whoever has an address is given %v", got)
	}
	for name, none := range map[string]func() (any, any){
		"a client that did not register for it": func() (any, any) { return email(on, standardClient(), "account-1", "", consent.Email) },
		"a deployment without a domain": func() (any, any) {
			return email(SubstituteEmails{}, wants(standardClient()), "account-1", "", consent.Email)
		},
		"without the scope": func() (any, any) { return email(on, wants(standardClient()), "account-1", "") },
	} {
		if got, v := none(); got != nil || v != nil {
			t.Errorf("%s: email %v, email_verified %v", name, got, v)
		}
	}
}
