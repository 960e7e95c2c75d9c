package interact_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/outbox"
	"kejitong/provider/token"
	"kejitong/provider/web"
)

// A session that lets nobody in any more is still there to be ended: its
// grants live on, and the systems that it opened have not been told.
func TestSigningOutOfWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, row := range []struct {
			name, login, window, account string
			leave                        func()
		}{
			{"idle", "zhangsan", "natural_person", "zhang", func() { h.wait(2 * time.Hour) }},
			{"past its absolute end", "zhangsan", "natural_person", "zhang", func() { h.wait(9 * time.Hour) }},
			{"of a frozen account", uscc, "legal_entity", "firm", func() {
				must(t, h.db.SetAccountState(t.Context(), "firm", account.Frozen, audit.Event{Kind: audit.AccountChanged}))
			}},
		} {
			b := h.browser()
			b.in(row.login, row.window)
			v := h.visit(b)
			g, err := token.NewGrant("gaoqi", h.now())
			must(t, err)
			g.Account, g.SessionID, g.State, g.ExpiresAt = v.Session.Account, v.Session.ID, token.Active, h.now().Add(24*time.Hour)
			if ok, err := h.db.OpenGrant(t.Context(), g, token.Consume{}, audit.Event{Kind: audit.CodeIssued}); !ok || err != nil {
				t.Fatal(ok, err)
			}
			row.leave()
			p := b.get("/logout")
			if len(buttons(p, "logout")) != 1 {
				t.Errorf("%s: there is nothing to sign out of, says the page", row.name)
				continue
			}
			if strings.Contains(p.body, nameOfSession(v.Session.Account)) {
				t.Errorf("%s: whoever comes is told whose session it was", row.name)
			}
			b.press(p, "logout", "yes").goes(t, "/logout/done")
			if b.cookie(web.SessionCookie) != "" {
				t.Errorf("%s: the cookie is left", row.name)
			}
			held, err := h.db.ByGrant(t.Context(), g.ID)
			must(t, err)
			if held.Grant.State != token.Revoked {
				t.Errorf("%s: the grant lives on", row.name)
			}
			tasks, err := h.db.ClaimTasks(t.Context(), 10, h.now(), time.Minute)
			must(t, err)
			var told outbox.Logout
			if len(tasks) == 1 {
				must(t, json.Unmarshal([]byte(tasks[0].Payload), &told))
				must(t, h.db.FinishTask(t.Context(), tasks[0].ID))
			}
			if told.Client != "gaoqi" || told.Session != v.Session.ID {
				t.Errorf("%s: owed is %+v", row.name, tasks)
			}
			if rows := h.trail(audit.SessionEnded); len(rows) == 0 || rows[len(rows)-1].Actor != row.account || rows[len(rows)-1].Object != v.Session.ID {
				t.Errorf("%s: trail %+v", row.name, rows)
			}
			if p := b.get("/logout"); len(p.forms) > 0 {
				t.Errorf("%s: asked a second time", row.name)
			}
		}
	})
}

func nameOfSession(id account.ID) string {
	if id == "firm" {
		return "北京示例科技有限公司"
	}
	return "张**"
}
