package interact_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
)

// changing changes an account between the proof and the session: it acts when
// the guess is given back.
type changing struct {
	credential.Store
	act func(ctx context.Context) error
}

func (c *changing) Refund(ctx context.Context, k credential.Keys, now time.Time) error {
	if err := c.Store.Refund(ctx, k, now); err != nil {
		return err
	}
	return c.act(ctx)
}

// The old password was verified, then an operator reset it or froze the
// account, then the session was to begin: it does not, and the answer is that
// of a wrong password.
func TestResetDuringASignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		hash, err := h.hasher.Hash(t.Context(), password)
		must(t, err)
		wrong := h.browser()
		want := bare(wrong, wrong.signIn("/login", "zhangsan", "password", "x"), "zhangsan")
		ev := audit.Event{Kind: audit.AccountChanged, Actor: "operator"}
		under := h.h.Credentials.Store
		for _, row := range []struct {
			name string
			act  func(context.Context) error
		}{
			{"reset", func(ctx context.Context) error { return h.db.SetPassword(ctx, "zhang", hash, false, ev) }},
			{"frozen", func(ctx context.Context) error { return h.db.FreezeAccount(ctx, "zhang", h.now(), ev) }},
			{"frozen and thawed", func(ctx context.Context) error {
				must(t, h.db.FreezeAccount(ctx, "zhang", h.now(), ev))
				return h.db.SetAccountState(ctx, "zhang", account.Active, ev)
			}},
		} {
			for _, own := range []bool{false, true} {
				must(t, h.db.SetAccountState(t.Context(), "zhang", account.Active, ev))
				must(t, h.db.SetPassword(t.Context(), "zhang", hash, true, ev))
				h.h.Credentials.Store = under
				b := h.browser()
				if own {
					b.in("zhangsan", "natural_person")
				}
				h.h.Credentials.Store = &changing{under, row.act}
				before := len(h.trail(audit.SignInSucceeded))
				path := "/login"
				if own {
					path += "?other=1"
				}
				p := b.signIn(path, "zhangsan")
				if p.status != http.StatusOK || len(h.trail(audit.SignInSucceeded)) != before {
					t.Errorf("%s, over a session of one's own %v: %d, signed in", row.name, own, p.status)
				}
				if !own && bare(b, p, "zhangsan") != want {
					t.Errorf("%s: the answer differs from that to a wrong password", row.name)
				}
				rows := h.trail(audit.SignInFailed)
				if last := rows[len(rows)-1]; last.Detail != string(credential.Changed) || last.Actor != "zhang" {
					t.Errorf("%s: trail %+v", row.name, last)
				}
			}
		}
	})
}
