package lookup

import (
	"net/url"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/torch"
)

// Every outcome has one button that helps on, and a sign-in is filled in with the
// login name only where that may be told.
func TestEveryOutcomeHasItsButton(t *testing.T) {
	want := map[torch.Code]string{
		torch.E0a: "/register/unit", torch.E6: "/register/unit", torch.I0: "/register/person", torch.I4: "/appeal/person", torch.I5: "/appeal/person",
	}
	for _, code := range torch.Codes() {
		a := torch.Answer{Code: code, Key: "91110108MA01ET88XL", Kind: account.LegalEntity, LoginName: "91110108MA01ET88XL"}
		p := card(a)
		if to, ok := want[code]; ok {
			if p.Do.URL != to {
				t.Errorf("%s leads to %s, want %s", code, p.Do.URL, to)
			}
			continue
		}
		u, err := url.Parse(p.Do.URL)
		if err != nil || u.Path != "/login" || u.Query().Get("username") != a.LoginName || u.Query().Get("window") != "legal_entity" {
			t.Errorf("%s leads to %s", code, p.Do.URL)
		}
		a.Masked, a.LoginName = true, "z***8"
		if to := card(a).Do.URL; strings.Contains(to, "username") {
			t.Errorf("%s: a masked name is filled in: %s", code, to)
		}
	}
	if p := card(torch.Answer{Code: torch.I0, Key: "18711111111", Existing: true}); !p.Person || !strings.HasPrefix(p.Do.URL, "/login") {
		t.Errorf("who has an account here is led to %s", p.Do.URL)
	}
}
