package interact_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/session"
)

// S35: a browser that changes hands gets another id. What its former user
// parked, planted or learnt is worth nothing to or against the next one; the
// interaction in which the next one signs in goes on.
func TestBrowserChangesHands(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, row := range []struct {
			name  string
			leave func()
		}{
			{"while signed in", func() {}},
			{"idle", func() { h.wait(2 * time.Hour) }},
			{"ended from elsewhere", func() {
				_, err := h.db.EndSessions(t.Context(), session.Which{Account: "zhang"}, h.now(), audit.Event{Kind: audit.SessionEnded})
				must(t, err)
			}},
		} {
			b := h.browser()
			b.in("zhangsan", "natural_person")
			row.leave()
			former := b.id()
			parked, id := b.begin(request("gaoqi")), b.begin(request("gaoqi"))
			path := "/login?interaction=" + id + "&other=1&window=legal_entity"
			b.signIn(path, uscc).goes(t, returns(id))
			if b.id() == former {
				t.Fatalf("%s: the next user has the former one's browser id", row.name)
			}
			if pd := h.pending(id); pd.Browser != authflow.Key(b.id()) || pd.Session != h.visit(b).Session.ID {
				t.Errorf("%s: the interaction did not come along: %+v", row.name, pd)
			}
			if p := b.get("/consent?interaction=" + id); p.status != http.StatusOK {
				t.Errorf("%s: the sign-in does not go on: %d", row.name, p.status)
			}
			if p := b.get("/login?interaction=" + parked); p.status != http.StatusForbidden {
				t.Errorf("%s: what the former user parked: %d", row.name, p.status)
			}
			if p := b.post("/logout", url.Values{"form_token": {h.h.Web.FormToken(former)}, "logout": {"yes"}}); p.status != http.StatusForbidden || h.who(b) != "firm" {
				t.Errorf("%s: the former user's form token: %d", row.name, p.status)
			}

			mine := b.id()
			b.in("zhangsan", "natural_person") // at the front door
			if b.id() == mine {
				t.Errorf("%s: the id stays at the front door", row.name)
			}
			mine = b.id()
			b.in("zhangsan", "natural_person")
			if b.id() != mine {
				t.Errorf("%s: signing in again as oneself changed the id", row.name)
			}
		}
	})
}
