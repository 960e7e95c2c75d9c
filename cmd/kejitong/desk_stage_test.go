package main

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kejitong/config"
	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/realname"
	"kejitong/provider/web/admin"
	"kejitong/store"
	"kejitong/store/storetest"
)

// newDeskRig is a rig with the demonstration's operators.
func newDeskRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	r := newRig(t, o, func(c *config.Config) { c.RealName.Verifier = config.VerifierManual }, nil)
	if r.app.names.Papers == nil {
		r.app.names.Papers = deskPapers{r.app.papers}
	}
	if err := r.cast.seedDesk(t.Context(), r.app); err != nil {
		t.Fatal(err)
	}
	return r
}

// onDesks runs fn on a rig with operators of each database.
func onDesks(t *testing.T, fn func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, newDeskRig(t, storetest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { fn(t, newDeskRig(t, storetest.Postgres(t))) })
}

func (r *rig) operator(login string) demoOperator {
	r.t.Helper()
	for _, o := range r.cast.operators() {
		if o.Username == login {
			return o
		}
	}
	r.t.Fatalf("no operator %q", login)
	return demoOperator{}
}

// code is what the operator's authenticator shows.
func (r *rig) deskCode(secret string) string {
	r.t.Helper()
	code, err := totp.GenerateCode(secret, r.clock.now())
	if err != nil {
		r.t.Fatal(err)
	}
	return code
}

// atDesk is a browser in which the operator is signed in.
func (r *rig) atDesk(login string) *browser {
	r.t.Helper()
	b, o := r.browser(), r.operator(login)
	p := b.submit(b.get(r.issuer+"/admin/login"), "username", url.Values{"username": {o.Username}, "password": {o.Password}, "code": {r.deskCode(o.Factor)}})
	if p.StatusCode != http.StatusOK || p.Request.URL.Path != "/admin" {
		r.t.Fatalf("%s cannot sign in: %d at %s\n%s", login, p.StatusCode, p.Request.URL, p.body)
	}
	return b
}

// deskSurface is the desk as it is wired.
func (r *rig) deskSurface() *admin.Handler {
	r.t.Helper()
	kit, err := r.app.kit()
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := r.app.wireAdmin(kit, nil, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.(*admin.Handler)
}

// token is the form token of the browser, off any page of the desk.
func (b *browser) formToken(page string) string {
	b.t.Helper()
	_, rest, ok := strings.Cut(b.get(page).body, `name="form_token" value="`)
	if !ok {
		b.t.Fatalf("%s has no form", page)
	}
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// send posts fields as a form of ours, without following where it leads.
func (b *browser) deskSend(u string, v url.Values, header ...string) page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, u, strings.NewReader(v.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.home.Scheme+"://"+b.home.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.still().do(r)
}

// later moves the clock past every code that was used.
func (r *rig) later() { r.clock.move(time.Minute) }

// deskPapers counts documents for the verification.
type deskPapers struct{ of *document.Service }

func (p deskPapers) Count(ctx context.Context, folder string) (int, error) {
	all, err := p.of.List(ctx, folder)
	return len(all), err
}

func (p deskPapers) Scanned(ctx context.Context, folder string) (bool, error) {
	all, err := p.of.List(ctx, folder)
	return !document.AnyWaits(all), err
}

func (p deskPapers) Close(ctx context.Context, folder string) error {
	return p.of.CloseCase(ctx, folder)
}

// underReview puts the account of a claims case before the reviewers: what was
// entered, and a picture.
func (r *rig) underReview(c, number string) realname.Case {
	r.t.Helper()
	ctx, id := r.t.Context(), r.person(c).Account.ID
	ev := audit.Event{Actor: string(id)}
	entry := realname.Entry{Person: &realname.Person{Name: "赵小六", IDType: account.DocResident, IDNumber: number, Nationality: "CHN"}}
	cs, err := r.app.names.Enter(ctx, id, entry, ev)
	if err != nil {
		r.t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		r.t.Fatal(err)
	}
	up := document.Upload{Owner: string(id), Case: cs.Folder, Kind: document.IDFront, Name: "card.jpg", Body: &b}
	if _, err := r.app.papers.Add(ctx, up, ev); err != nil {
		r.t.Fatal(err)
	}
	if cs, err = r.app.names.HandIn(ctx, id, ev); err != nil {
		r.t.Fatal(err)
	}
	return cs
}
