package factor_test

import (
	"kejitong/provider/account"
	"kejitong/provider/audit"
)

// account makes an account and gives its id.
func (b *bench) account() string {
	b.t.Helper()
	must(b.t, b.db.PutAccount(b.t.Context(), account.Account{ID: "zhang", Kind: account.NaturalPerson, State: account.Active, LoginName: "zhang", LoginKey: "zhang", CreatedAt: b.now, UpdatedAt: b.now},
		"$argon2id$x", audit.Event{Kind: audit.AccountCreated, Object: "zhang"}))
	return "zhang"
}
