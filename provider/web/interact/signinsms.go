package interact

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/factor"
	"kejitong/provider/fault"
	"kejitong/provider/notify"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Signing in by a code: a natural person's login name or mobile leads to the
// account's verified number. Whether there is such an account is nowhere to be
// seen: a code is promised or quietly none, and the same page follows (S49). The
// code is bound to the browser, which the server gave its id.

// showSMS is GET /login/sms.
func (h *Handler) showSMS(w http.ResponseWriter, r *http.Request, s *step) {
	p := h.smsPage(s)
	p.Username = shown(s.form.Get("login_hint"))
	p.Captcha = h.draw(w, r, challenge.SignIn)
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// signInSMS is POST /login/sms.
func (h *Handler) signInSMS(w http.ResponseWriter, r *http.Request, s *step) {
	switch {
	case cancelled(r):
		h.decline(w, r, s, gaveUp)
	case r.PostForm.Has("code"):
		h.redeemCode(w, r, s)
	default:
		h.sendCode(w, r, s)
	}
}

// sendCode sends a code if there is somebody to send it to.
func (h *Handler) sendCode(w http.ResponseWriter, r *http.Request, s *step) {
	ctx, p := r.Context(), h.smsPage(s)
	p.Username = shown(r.PostForm.Get("username"))
	again := func(err error) bool {
		switch {
		case err == nil:
			return false
		case fault.Is(err, fault.Invalid):
			p.Captcha = h.draw(w, r, challenge.SignIn)
			p.Captcha.Error = why(err)
		case fault.Is(err, fault.Throttled):
			p.Captcha, p.Error = h.draw(w, r, challenge.SignIn), why(err)
		default:
			h.Web.Fail(w, r, err)
			return true
		}
		h.Web.Show(w, r, http.StatusOK, p, s.options()...)
		return true
	}
	if again(h.solved(ctx, w, r, challenge.SignIn)) {
		return
	}
	who, err := h.reached(ctx, r.PostForm.Get("username"))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	ask := challenge.Ask{
		Purpose: challenge.SignIn, Flow: h.flow(w, r), Channel: notify.SMS, Address: web.ClientIP(ctx), Locale: web.Locale(ctx).String(),
		To: h.standIn(r.PostForm.Get("username")), Silent: who == nil,
	}
	ask.As = ask.To
	ev := audit.Event{Client: s.pd.Client}
	if who != nil {
		ask.To, ev.Object = who.Account.Profile.Phone, string(who.Account.ID)
	}
	_, err = h.Codes.Send(ctx, ask, ev)
	if again(err) {
		return
	}
	p.Sent = true
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// redeemCode signs in whom the code was sent to.
func (h *Handler) redeemCode(w http.ResponseWriter, r *http.Request, s *step) {
	ctx := r.Context()
	who, err := h.reached(ctx, r.PostForm.Get("username"))
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	try := challenge.Try{Purpose: challenge.SignIn, Flow: h.flow(w, r), To: h.standIn(r.PostForm.Get("username")), Code: once(r, "code")}
	var id string
	if who != nil {
		try.To, id = who.Account.Profile.Phone, string(who.Account.ID)
	}
	err = h.Codes.Check(ctx, try)
	if err == nil && who == nil { // no code of a stand-in is ever right
		err = &fault.Error{Kind: fault.Invalid, Field: "code", Msg: challenge.MsgCode}
	}
	wrong := func(err error) {
		ev := audit.Event{Kind: audit.SignInFailed, Actor: id, Object: id, Client: s.pd.Client, Result: "failed", Detail: "sms"}
		if e := h.Audit.Record(ctx, audit.From(ctx, ev)); e != nil {
			h.Web.Fail(w, r, e)
			return
		}
		p := h.smsPage(s)
		p.Username, p.Sent, p.SharedComputer, p.CodeError = shown(r.PostForm.Get("username")), true, sharedComputer(r), why(err)
		h.Web.Show(w, r, http.StatusOK, p, s.options()...)
	}
	if fault.Is(err, fault.Invalid) {
		wrong(err)
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	// Whoever has the number has proved to be the owner: the guesses of others are
	// forgotten, as after the right password.
	keys := h.Credentials.Keys(who.Account.LoginName, web.ClientIP(ctx))
	if err := h.Credentials.Store.Refund(ctx, keys, h.Now()); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	has, err := h.Factors.Enrolled(ctx, factor.Subject{Realm: factor.Accounts, ID: id})
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	known, _ := h.Web.Cookie(r, deviceCookie)
	h.open(w, r, s, opening{
		proof: credential.Proof{
			AccountID: who.Account.ID, Factor: has.Any(), Kind: who.Account.Kind, AMR: []string{"sms"}, At: h.Now(), Version: who.Account.Version,
			Device: h.Credentials.Remember(who.Account.LoginKey), Known: h.Credentials.Knows(who.Account.LoginKey, known),
		},
		shared: sharedComputer(r), how: "sms",
		late: func() { wrong(&fault.Error{Kind: fault.Invalid, Field: "code", Msg: challenge.MsgCode}) },
	})
}

// reached is the natural person whom a code would reach, nil if there is none:
// by login name, or by a mobile that is verified on one account alone.
func (h *Handler) reached(ctx context.Context, typed string) (*principal.Principal, error) {
	var ids []account.ID
	m, noMobile := account.ParseMobile(typed)
	isMobile := noMobile == nil
	if isMobile {
		var err error
		if ids, err = h.Accounts.AccountsBy(ctx, account.ByPhone, m.E164()); err != nil {
			return nil, err
		}
	}
	if name, err := account.NormaliseLogin(typed); err == nil {
		switch login, err := h.Credentials.Store.FindLogin(ctx, name); {
		case err == nil:
			ids = append([]account.ID{login.AccountID}, ids...)
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	var found *principal.Principal
	ids, doubtful := looked(ids, isMobile)
	for _, id := range ids {
		who, err := h.Principals.ByAccount(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		a := who.Account
		if a.Kind != account.NaturalPerson || !a.Usable() || a.Profile.Phone == "" || !a.Profile.PhoneVerified {
			continue
		}
		if found != nil && found.Account.ID != id {
			doubtful = true // two owners: neither is told apart by it
		}
		found = &who
	}
	if doubtful {
		return nil, nil
	}
	return found, nil
}

// sharers is how many accounts with one number are looked at. Units name the same
// contact; whose number more have signs in by login name.
const sharers = 8

// looked is which accounts to read: as many for a number that nobody has as for one
// that many have, so that the work does not tell (S48). Nobody has the empty id. more
// says that there are others beside them.
func looked(ids []account.ID, isMobile bool) (out []account.ID, more bool) {
	most := 1
	if isMobile {
		most = sharers
	}
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for len(out) < most {
		out = append(out, "")
	}
	return out[:most], len(out) > most
}

// flow binds a code to the browser.
func (h *Handler) flow(w http.ResponseWriter, r *http.Request) string {
	return "sign in|" + h.Web.Browser(w, r)
}

// standIn is who a quiet code is counted for: the name that was typed, in any
// spelling.
func (h *Handler) standIn(typed string) string {
	if m, err := account.ParseMobile(typed); err == nil {
		return m.E164()
	}
	return "login " + h.Credentials.Keys(typed, "").Account
}

// smsPage is the page with nothing typed yet.
func (h *Handler) smsPage(s *step) templates.SignInSMS {
	p := templates.SignInSMS{
		Asks: s.asks(), PasswordURL: s.address("/login", url.Values{"window": {string(account.NaturalPerson)}}),
		AgainURL: s.address("/login/sms", nil), Cancel: s.id != "",
	}
	if s.id != "" {
		p.Hidden = map[string]string{"interaction": s.id}
	}
	return p
}
