package store_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/credential"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/store"
	"kejitong/store/storetest"
)

func TestAccountsAreSealedInPlace(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			db, _ := storetest.Ready(t, o)
			seed(t, db)
			ctx := t.Context()
			must(t, db.PutAccount(ctx, person("wang", "wang"), "$argon2id$wang", did(audit.AccountCreated)))

			for _, secret := range []string{"张三丰", "110101199003070038", "13800138000", "argon2id"} {
				for _, query := range []string{
					`SELECT COUNT(*) FROM accounts WHERE profile LIKE ?`, `SELECT COUNT(*) FROM credentials WHERE phc LIKE ?`,
				} {
					if n := storetest.Count(t, o, query, "%"+secret+"%"); n > 0 {
						t.Errorf("%s stands readable in %d rows: %s", secret, n, query)
					}
				}
			}
			storetest.Exec(t, o, `UPDATE accounts SET profile = (SELECT b.profile FROM accounts b WHERE b.id = 'wang') WHERE id = 'zhang'`)
			if _, err := db.AccountByLogin(ctx, "zhang"); !errors.Is(err, keys.ErrUnsealable) {
				t.Errorf("a profile copied from another row opens: %v", err)
			}
			if _, err := db.ByAccount(ctx, "zhang"); !errors.Is(err, keys.ErrUnsealable) {
				t.Errorf("a profile copied from another row opens: %v", err)
			}
			storetest.Exec(t, o, `UPDATE credentials SET phc = (SELECT b.phc FROM credentials b WHERE b.account_id = 'wang') WHERE account_id = 'zhang'`)
			if _, err := db.FindLogin(ctx, "zhang"); !errors.Is(err, keys.ErrUnsealable) {
				t.Errorf("a password copied from another row opens: %v", err)
			}
			storetest.Exec(t, o, `UPDATE credentials SET phc = '$argon2id$plain' WHERE account_id = 'zhang'`)
			if _, err := db.FindLogin(ctx, "zhang"); !errors.Is(err, keys.ErrUnsealable) {
				t.Errorf("an unsealed password passes: %v", err)
			}
			unsealed := storetest.Open(t, options(t))
			if err := unsealed.PutAccount(ctx, person("li", "li"), "", did(audit.AccountCreated)); err == nil {
				t.Error("an account was written without a ring")
			}
		})
	}
}

func TestAccountsAndPasswords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		if _, err := db.FindLogin(ctx, "nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("nobody's login: %v", err)
		}
		if _, err := db.FindLogin(ctx, "\x00raw \xff"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a login name that is no text: %v", err)
		}
		login := func(name string) credential.Login {
			t.Helper()
			l, err := db.FindLogin(ctx, name)
			must(t, err)
			return l
		}
		same(t, "without a password", login("firm"), credential.Login{AccountID: "firm", Kind: account.LegalEntity, State: account.Active, Version: 1})
		want := credential.Login{AccountID: "zhang", Kind: account.NaturalPerson, State: account.Active, Version: 1, Password: "$argon2id$zhang"}
		same(t, "with", login("zhang"), want)

		must(t, db.Rehash(ctx, "zhang", 1, "$argon2id$stronger"))
		want.Password = "$argon2id$stronger"
		same(t, "rehashed", login("zhang"), want)

		a, err := db.AccountByLogin(ctx, "zhang")
		must(t, err)
		a.Locale, a.CreatedAt = "en", clock.Add(time.Hour)
		must(t, db.PutAccount(ctx, a, "", did(audit.AccountChanged)))
		want.Version = 2
		same(t, "changed, password left alone", login("zhang"), want)
		must(t, db.Rehash(ctx, "zhang", 1, "$argon2id$old one"))
		same(t, "rehashed late", login("zhang"), want)
		if b, err := db.AccountByLogin(ctx, "zhang"); err != nil || b.Locale != "en" || !b.CreatedAt.Equal(clock) || b.Version != 2 {
			t.Errorf("changed: %+v %v", b, err)
		}

		must(t, db.SetPassword(ctx, "zhang", "$argon2id$given", false, did(audit.PasswordChanged)))
		want.Password, want.Version, want.MustChange = "$argon2id$given", 3, true
		same(t, "given by an operator", login("zhang"), want)
		must(t, db.SetPassword(ctx, "zhang", "$argon2id$chosen", true, did(audit.PasswordChanged)))
		want.Password, want.Version, want.MustChange = "$argon2id$chosen", 4, false
		same(t, "chosen by the owner", login("zhang"), want)
		if b, err := db.AccountByLogin(ctx, "zhang"); err != nil || b.PasswordChangedAt.IsZero() {
			t.Errorf("password changed at %v, %v", b.PasswordChangedAt, err)
		}
		for name, err := range map[string]error{
			"of nobody": db.SetPassword(ctx, "nobody", "$x", true, did(audit.PasswordChanged)),
			"empty":     db.SetPassword(ctx, "zhang", "", true, did(audit.PasswordChanged)),
		} {
			if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Invalid) {
				t.Errorf("password %s: %v", name, err)
			}
		}
	})
}

func TestUnitsSystemsAndClients(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		seed(t, db)
		ctx := t.Context()
		if _, err := db.UnitByUSCC(ctx, "no such code"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no unit: %v", err)
		}
		u := firm()
		u.Status = account.UnitDeregistered
		must(t, db.PutUnit(ctx, u, did(audit.UnitChanged)))
		got, err := db.UnitByUSCC(ctx, u.USCC)
		must(t, err)
		same(t, "unit", got, u)

		systems, err := db.Systems(ctx)
		must(t, err)
		want := entitlement.System{ID: "hightech", NameZH: "系统", NameEN: "System", Owner: "owner", EntryURL: "https://e.example",
			AccountKinds: []account.Kind{account.LegalEntity}, Level: "L2", Actions: []string{"apply", "read"}}
		if len(systems) != 2 {
			t.Fatalf("%d systems", len(systems))
		}
		same(t, "system", systems[0], want)

		if _, err := db.Client(ctx, "rp"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no client: %v", err)
		}
		c := relyingParty("rp")
		must(t, db.PutClient(ctx, c, did(audit.ClientCreated)))
		version, err := db.ClientsVersion(ctx)
		must(t, err)
		if c.Version != version || version == 0 {
			t.Errorf("client's version %d, registry's %d", c.Version, version)
		}
		stored, err := db.Client(ctx, "rp")
		must(t, err)
		same(t, "client", stored, c)

		origin := func(o string, want bool) {
			t.Helper()
			if has, err := db.HasOrigin(ctx, o); err != nil || has != want {
				t.Errorf("origin %s: %v, %v", o, has, err)
			}
		}
		origin("https://rp.example", true)
		origin("https://rp.example.evil", false)
		c.Metadata.RedirectURIs = []string{"https://new.example/cb"}
		must(t, db.PutClient(ctx, c, did(audit.ClientChanged)))
		origin("https://rp.example", false)
		origin("https://new.example", true)
		c.State = client.Disabled
		must(t, db.PutClient(ctx, c, did(audit.ClientChanged)))
		origin("https://new.example", false)
		if all, err := db.Clients(ctx); err != nil || len(all) != 1 || all[0].Version != version+2 {
			t.Errorf("clients: %+v %v", all, err)
		}
	})
}

// The one statement of PostgreSQL must follow the rule of credential.Count,
// step by step.
func TestReservingFollowsTheRule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		limits := credential.Limits{PairLimit: 3, LockFor: 10 * time.Minute, AccountLimit: 7}
		r := rand.New(rand.NewPCG(1, 2))
		pairs, account, now := map[string]credential.Tally{}, credential.Tally{}, clock
		refusals, ownersChances, forgotten := [2]int{}, 0, 0
		for step := range 1200 {
			now = now.Add(time.Duration(r.IntN(6)) * time.Minute)
			if r.IntN(50) == 0 {
				now = now.Add(25 * time.Hour)
			}
			k := credential.Keys{Pair: string(rune('a'+r.IntN(3))) + " pair", Account: "m account"}
			if r.IntN(30) == 0 {
				must(t, db.Refund(t.Context(), k, now))
				pairs[k.Pair], account = credential.Tally{}, credential.Tally{}
				continue
			}
			var want credential.Standing
			was := account
			pairs[k.Pair], account, want = credential.Count(pairs[k.Pair], account, limits, now)
			got, err := db.Reserve(t.Context(), k, limits, now)
			must(t, err)
			if !got.LockedUntil.Equal(want.LockedUntil) || got.PairFailures != want.PairFailures || got.AccountFailures != want.AccountFailures {
				t.Fatalf("step %d: %+v, want %+v", step, got, want)
			}
			switch {
			case account.Failures < was.Failures:
				forgotten++
			case was.Failures == limits.AccountLimit && want.Allowed(limits):
				ownersChances++
			}
			if want.PairFailures > limits.PairLimit {
				refusals[0]++
			}
			if want.AccountFailures > limits.AccountLimit {
				refusals[1]++
			}
		}
		if refusals[0] == 0 || refusals[1] == 0 || ownersChances == 0 || forgotten == 0 {
			t.Errorf("the walk met %v refusals, %d guesses beyond the limit, %d tallies forgotten: it proves nothing", refusals, ownersChances, forgotten)
		}
	})
}

func TestKeysRotate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		next := func(kid string) keys.Row {
			return keys.Row{Kid: kid, Purpose: keys.Sign, Algorithm: keys.ES256, State: keys.Next, Sealed: "x", Root: keys.RootID(storetest.Root), CreatedAt: clock}
		}
		rotate := func(kid string) error {
			rows, err := db.Keys(ctx)
			must(t, err)
			active := ""
			for _, k := range rows {
				if k.Algorithm == keys.ES256 && k.State == keys.Active {
					active = k.Kid
				}
			}
			return db.RotateKeys(ctx, keys.Sign, keys.ES256, active, clock.Add(time.Hour), next(kid), did(audit.KeyRotated))
		}
		if err := db.RotateKeys(ctx, keys.Sign, keys.ES256, "another kid", clock, next("nx"), did(audit.KeyRotated)); !fault.Is(err, fault.Conflict) {
			t.Errorf("rotation by one who has not seen the last one: %v", err)
		}
		if err := rotate("n0"); !fault.Is(err, fault.Conflict) {
			t.Errorf("rotation without a next key: %v", err)
		}
		must(t, db.AddKeys(ctx, []keys.Row{next("n1"), next("left out")}, did(audit.KeyRotated)))
		must(t, rotate("n2"))
		must(t, rotate("n3"))
		states := map[string]keys.State{}
		rows, err := db.Keys(ctx)
		must(t, err)
		for _, k := range rows {
			if strings.HasPrefix(k.Kid, "n") && len(k.Kid) == 2 {
				states[k.Kid] = k.State
			}
			if k.Kid == "left out" {
				t.Error("two next keys of one algorithm")
			}
			if k.Kid == "n1" && (k.RetiredAt.IsZero() || k.ActivatedAt.IsZero()) {
				t.Errorf("a retired key without its times: %+v", k)
			}
		}
		same(t, "states", states, map[string]keys.State{"n1": keys.Retired, "n2": keys.Active, "n3": keys.Next})
		before, err := db.DropKeys(ctx, clock.Add(time.Hour))
		must(t, err)
		after, err := db.DropKeys(ctx, clock.Add(time.Hour+time.Millisecond))
		must(t, err)
		if before != 0 || after == 0 {
			t.Errorf("dropped %d at the time of retirement, %d after", before, after)
		}
	})
}
