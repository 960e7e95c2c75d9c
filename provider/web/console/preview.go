package console

import (
	"context"
	"encoding/json"
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// PreviewAsk says whose claims are to be shown, for which client and request.
type PreviewAsk struct {
	Client                   *client.Client
	Who                      principal.Principal
	Scope, Claims, Unit, ACR string
}

// Previewed is what the client would learn, or what the request would lead to
// instead.
type Previewed struct {
	Step, Reason, Error, Description, Scope string
	IDToken, Userinfo, Access               map[string]any
	Opaque                                  bool
}

// Previews shows what clients would learn; it is the code that issues tokens.
type Previews interface {
	PreviewClaims(ctx context.Context, q PreviewAsk) (Previewed, error)
}

// People are those whose claims may be shown to a client's team: its test
// accounts, and whoever looks, never anybody else.
type People interface {
	// TestAccounts gives the test accounts that may sign in at the client.
	TestAccounts(ctx context.Context, c *client.Client) ([]account.Account, error)
	// ByAccount gives an account with its units and grants.
	ByAccount(ctx context.Context, id account.ID) (principal.Principal, error)
}

// showPreview is GET /console/clients/{client}/preview. It changes nothing, so
// that the form is one by GET.
func (d *Diagnosis) showPreview(w http.ResponseWriter, r *http.Request, v *principal.Visit, c *client.Client) {
	q := r.URL.Query()
	p := templates.ClientPreview{ClientPage: about(c), User: q.Get("user"), Scope: q.Get("scope"), Claims: q.Get("claims"), Unit: q.Get("org_hint"), ACR: q.Get("acr")}
	testers, err := d.People.TestAccounts(r.Context(), c)
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	for _, a := range testers {
		p.Users = append(p.Users, templates.PreviewUser{ID: string(a.ID), Name: a.LoginName})
	}
	if p.User == "" {
		p.Scope = c.Metadata.Scope
		d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
		return
	}
	who, err := d.subject(r.Context(), v, testers, p.User)
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	got, err := d.Previews.PreviewClaims(r.Context(), PreviewAsk{Client: c, Who: who, Scope: p.Scope, Claims: p.Claims, Unit: p.Unit, ACR: p.ACR})
	if err != nil {
		d.Web.Fail(w, r, err)
		return
	}
	p.Done, p.Step, p.Reason, p.Error, p.Description, p.Opaque = true, got.Step, got.Reason, got.Error, got.Description, got.Opaque
	p.IDToken, p.Userinfo, p.Access = indented(got.IDToken), indented(got.Userinfo), indented(got.Access)
	d.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}

// subject is whom the preview is about: the one who looks, or a test account of
// this very client. Everybody else does not exist.
func (d *Diagnosis) subject(ctx context.Context, v *principal.Visit, testers []account.Account, id string) (principal.Principal, error) {
	if id == templates.PreviewSelf {
		return v.Principal, nil
	}
	for _, a := range testers {
		if string(a.ID) == id {
			return d.People.ByAccount(ctx, a.ID)
		}
	}
	return principal.Principal{}, fault.New(fault.NotFound, "no such test account")
}

// indented is JSON as people read it, "" of nothing.
func indented(m map[string]any) string {
	if m == nil {
		return ""
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}
