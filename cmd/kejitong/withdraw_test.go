package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/fault"
	"kejitong/provider/token"
)

// Who withdraws his consent is rid of the client within a second, also of what
// was to outlive his session; other clients keep what they have, and the next
// sign-in asks again (PIPL art. 15).
func TestConsentWithdrawn(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		all := []*rig{r}
		if r.options.Driver == "postgres" {
			all = append(all, r.replica())
		}
		for _, id := range []string{"asks", "other"} {
			r.register(id, client.Metadata{Scope: "openid profile offline_access", Purpose: "to see what a withdrawal ends"})
		}
		b := r.browser()
		got := map[string]map[string]any{}
		for _, id := range []string{"asks", "other"} {
			a := request(id, "openid profile offline_access")
			p := b.get(r.authorizeURL(a))
			if id == "asks" {
				p = b.signIn(r.stage, p, "a")
			}
			q := callback(t, b.submit(p, "decision=allow", url.Values{"decision": {"allow"}, "scope": {"openid", "profile", "offline_access"}}))
			got[id] = r.redeem(a, q.Get("code"))
		}
		silent := request("asks", "openid profile offline_access")
		silent.params.Set("prompt", "none")
		before := callback(t, b.get(r.authorizeURL(silent))).Get("code")
		if before == "" {
			t.Fatal("no code although there is a consent")
		}
		for _, x := range all {
			x.wantAlive("asks", got["asks"], "before")
		}
		who := r.person("a").Account.ID
		if err := r.app.db.WithdrawConsent(t.Context(), who, "asks", r.clock.now(), deed(audit.ConsentWithdrawn, string(who), "")); err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			x.clock.move(time.Second)
			x.wantDead("asks", got["asks"], "withdrawn")
			x.want(x.refresh("asks", text(got["asks"], "refresh_token")), 400, "invalid_grant", "refresh")
			x.want(x.token("asks", codeForm(silent, before)), 400, "invalid_grant", "a code from before")
			x.wantAlive("other", got["other"], "another client")
		}
		if e := callback(t, b.get(r.authorizeURL(silent))).Get("error"); e != "consent_required" {
			t.Errorf("the next request answered %q, want consent_required", e)
		}
	})
}

func TestWithdrawAtTheDesk(t *testing.T) {
	d := newDesk(t, "")
	d.person("zhangsan")
	d.does("client", "add", "--id", "rp", "--name", "示例", "--redirect-uri", "https://rp.example.cn/cb", "--secret-file", d.file("secret", aSecret))
	withdraw := func(more ...string) []string {
		return append([]string{"account", "withdraw", "--login", "zhangsan", "--client", "rp"}, more...)
	}
	for _, c := range []struct {
		name, flag string
		args       []string
		holds      []string
	}{
		{"nobody", "login", withdraw("--login", "nobody"), []string{"no such account"}},
		{"no login", "login", []string{"account", "withdraw", "--client", "rp"}, nil},
		{"no client", "client", []string{"account", "withdraw", "--login", "zhangsan"}, []string{"kejitong client list"}},
		{"an unknown client", "client", withdraw("--client", "rq"), []string{`"rq"`, "no such relying party"}},
		{"no consent", "client", withdraw(), []string{"neither a consent"}},
	} {
		t.Run(c.name, func(t *testing.T) { d.as(t).refuses(c.flag, c.holds, nil, c.args...) })
	}
	var g *token.Grant
	var who account.ID
	d.inside(func(a *app) {
		found, err := findAccount(t.Context(), a, "zhangsan")
		if err != nil {
			t.Fatal(err)
		}
		who = found.ID
		if err := a.db.GiveConsent(t.Context(), consent.Consent{Account: who, Client: "rp", Scopes: []string{"openid"}, GivenAt: now()}, deed(audit.ConsentGiven, "", "")); err != nil {
			t.Fatal(err)
		}
		if g, err = token.NewGrant("rp", now()); err != nil {
			t.Fatal(err)
		}
		g.Account, g.SessionID, g.ExpiresAt = who, "s", now().Add(time.Hour)
		if ok, err := a.db.OpenGrant(t.Context(), g, token.Consume{}, deed(audit.CodeIssued, "", "")); err != nil || !ok {
			t.Fatal(ok, err)
		}
	})
	var said withdrawalReport
	d.tells(&said, withdraw()...)
	if said.ID != who || said.Client != "rp" || said.Login != "zhangsan" {
		t.Errorf("got %+v", said)
	}
	d.inside(func(a *app) {
		if h, err := a.db.ByGrant(t.Context(), g.ID); err != nil && !fault.Is(err, fault.NotFound) || err == nil && h.Grant.State != token.Revoked {
			t.Errorf("the grant stands at %+v, %v", h, err)
		}
		tasks, err := a.db.ClaimTasks(t.Context(), 5, now(), time.Minute)
		if err != nil || len(tasks) != 1 || !strings.Contains(tasks[0].Payload, `"client":"rp","session":"s"`) {
			t.Errorf("owed %+v, %v", tasks, err)
		}
		rows, err := a.db.RecentAudit(t.Context(), 1)
		if err != nil || len(rows) != 1 || rows[0].Kind != audit.ConsentWithdrawn || rows[0].Object != string(who) || rows[0].Client != "rp" || rows[0].Actor != "operator" {
			t.Errorf("the trail ends with %+v, %v", rows, err)
		}
	})
	d.refuses("client", []string{"neither a consent"}, nil, withdraw()...)
}
