package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"kejitong/provider/client"
	"kejitong/store/storetest"
)

// An operator gives out an initial access token, sees what came of it, reviews
// it and takes the token back.
func TestInitialTokensAtTheCommandLine(t *testing.T) {
	d := newDesk(t, "")
	for _, c := range []struct {
		name, flag string
		args       []string
	}{
		{"nobody named", "note", nil},
		{"no uses", "max-uses", []string{"--note", "x", "--max-uses", "0"}},
		{"too many uses", "max-uses", []string{"--note", "x", "--max-uses", "1000001"}},
		{"no days", "days", []string{"--note", "x", "--days", "0"}},
		{"a policy that is none", "policy-file", []string{"--note", "x", "--policy-file", d.file("p1", `{"first_party":true}`)}},
		{"a policy that fixes redirect URIs", "policy-file", []string{"--note", "x", "--policy-file", d.file("p2", `{"fixed":{"redirect_uris":["https://rp.example/"]}}`)}},
		{"a default beyond what is allowed", "policy-file", []string{"--note", "x", "--scope", "openid", "--default-scope", "openid profile"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.as(t).refuses(c.flag, nil, nil, append([]string{"client", "token", "add"}, c.args...)...)
		})
	}
	d.refuses("id", nil, nil, "client", "token", "revoke", "--id", "nobody")
	d.refuses("id", nil, nil, "client", "token", "revoke")
	d.refuses("id", nil, nil, "client", "review", "--id", "nobody")

	var made tokenReport
	d.tells(&made, "client", "token", "add", "--note", "某开发商", "--max-uses", "3", "--days", "2", "--policy-file", d.file("policy", `{"reviewed":true,"fixed":{"purpose":"试点"}}`),
		"--reviewed=false", "--pkce-optional", "--scope", "openid", "--scope", "profile", "--response-type", "code", "--grant-type", "authorization_code")
	if len(made.Token) != 43 || made.Policy.Reviewed || !made.Policy.PKCEOptional || made.Policy.Fixed.Purpose != "试点" || !slices.Equal(made.Policy.Scopes, []string{"openid", "profile"}) {
		t.Errorf("%+v", made)
	}
	text := d.does("client", "token", "list")
	if !strings.Contains(text, "0 of 3") || !strings.Contains(text, "某开发商") || strings.Contains(text, made.Token) {
		t.Errorf("the list:\n%s", text)
	}
	d.inside(func(a *app) {
		c := &client.Client{ID: "dyn-1", State: client.Active, Metadata: client.Metadata{Name: "科技部系统", RedirectURIs: []string{"https://rp.example/cb"}}}
		if ok, err := a.db.Register(t.Context(), c, "", client.TokenDigest(made.Token), "x", now(), deed("client.registered", c.ID, "")); err != nil || !ok {
			t.Fatalf("%v %v", ok, err)
		}
	})
	var shown clientReport
	d.tells(&shown, "client", "show", "--id", "dyn-1")
	if shown.Reviewed || len(shown.Warnings) != 1 || !strings.Contains(d.does("client", "list"), "no (look twice)") {
		t.Errorf("%+v", shown)
	}
	d.does("client", "review", "--id", "dyn-1")
	if d.tells(&shown, "client", "show", "--id", "dyn-1"); !shown.Reviewed {
		t.Errorf("%+v", shown)
	}
	d.does("client", "token", "revoke", "--id", made.ID)
	d.refuses("id", nil, nil, "client", "token", "revoke", "--id", made.ID)
	var list []tokenReport
	if d.tells(&list, "client", "token", "list"); len(list) != 1 || list[0].State != "revoked" || list[0].Uses != 1 || list[0].Token != "" {
		t.Errorf("%+v", list)
	}
	d.inside(func(a *app) {
		c := &client.Client{ID: "dyn-2", State: client.Active}
		if ok, err := a.db.Register(t.Context(), c, "", client.TokenDigest(made.Token), "y", now(), deed("client.registered", c.ID, "")); err != nil || ok {
			t.Errorf("a revoked token registers: %v %v", ok, err)
		}
	})
}

// What a client was allowed ends on every replica within a second of its
// deletion (S30), and one replica's registration is known to the others.
func TestRegistrationsOverReplicas(t *testing.T) {
	r := newRig(t, storetest.Postgres(t), nil, nil)
	g := r.registrar(client.Policy{Reviewed: true}, 5)
	other := r.replica()
	c := g.gets(metadata("scope", "openid"))
	id := text(c, "client_id")
	b := other.browser()
	a := asking(id, "openid")
	p := b.signIn(other.stage, b.get(other.authorizeURL(a)), "a")
	m := other.redeem(a, callback(t, b.press(p, "decision=allow")).Get("code"))
	if s, _ := other.userinfo(text(m, "access_token")); s != http.StatusOK {
		t.Fatalf("userinfo: %d", s)
	}
	manage := strings.Replace(text(c, "registration_client_uri"), g.name(), other.issuer, 1)
	if gone := other.at(http.MethodDelete, manage, text(c, "registration_access_token"), nil); gone.status != http.StatusNoContent {
		t.Fatalf("delete at the other replica: %d %s", gone.status, gone.raw)
	}
	for _, at := range []*rig{r, other} {
		at.clock.move(client.MaxAge)
		if s, _ := at.userinfo(text(m, "access_token")); s != http.StatusUnauthorized {
			t.Errorf("userinfo after the deletion: %d", s)
		}
	}
}

// A token whose statements nobody could bring would register nothing: that is said
// when it is made, not to the developer who tries it.
func TestInitialTokensNeedTrustedPublishers(t *testing.T) {
	file := publisherFile(t, "issuers: [{issuer: "+publisher+", jwks_file: keys.json, algorithms: [PS256], claims: [client_name]}]", newSigner(t, "PS256", "k").set(t))
	trusting := newDesk(t, "clients: {statement_issuers_file: "+file+"}\n")
	for _, c := range []struct {
		name, flag string
		d          *desk
		args       []string
	}{
		{"a publisher that nobody knows", "statement-issuer", trusting, []string{"--statement-issuer", "https://other.example"}},
		{"one of two", "statement-issuer", trusting, []string{"--statement-issuer", publisher, "--statement-issuer", publisher + "/"}},
		{"no publisher at all", "statement-required", newDesk(t, ""), []string{"--statement-required"}},
		{"named where there is none", "statement-required", newDesk(t, ""), []string{"--statement-issuer", publisher}},
	} {
		c.d.as(t).refuses(c.flag, []string{"clients.statement_issuers_file"}, nil, append([]string{"client", "token", "add", "--note", c.name}, c.args...)...)
	}
	var made tokenReport
	trusting.tells(&made, "client", "token", "add", "--note", "x", "--statement-required", "--statement-issuer", publisher)
	if !slices.Equal(made.Policy.StatementIssuers, []string{publisher}) || !made.Policy.StatementRequired {
		t.Errorf("%+v", made.Policy)
	}
}
