package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/mandate"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// Handlers is the part of the portal about 经办人: a unit's, a person's, and who
// acts in a unit's own session. All fields must be set.
type Handlers struct {
	Service  *mandate.Service
	Sessions *session.Service
	Systems  Catalogue
	Outbox   interface{ Wake() }
	Now      func() time.Time

	pages Pages
}

var (
	_ Part  = (*Handlers)(nil)
	_ Urger = (*Handlers)(nil)
)

// Mount implements Part. To name somebody takes a fresh sign-in; to end does not.
func (h *Handlers) Mount(p Pages) {
	h.pages = p
	p.In("/me/handlers", h.show, h.change)
	p.Fresh("/me/handlers/invite", h.showInvite, h.invite)
	p.In("/me/mandates", h.showMine, h.answer)
	p.In("/me/acting", h.showActing, h.act)
}

// ruled are the units that the visitor rules over: who acts for them, in what.
func ruled(v *principal.Visit, now time.Time) []entitlement.Mandate {
	var out []entitlement.Mandate
	for _, m := range v.Principal.Units(now) {
		if mandate.MayName(m.Relation, entitlement.Handler) {
			out = append(out, m)
		}
	}
	return out
}

// Links implements Part.
func (h *Handlers) Links(v *principal.Visit) (out []templates.Link) {
	if len(ruled(v, h.Now())) > 0 {
		out = append(out, templates.Link{URL: "/me/handlers", Text: templates.T("handlers.title"), Hint: templates.T("handlers.link")})
	}
	if v.Principal.Account.Kind == account.LegalEntity {
		return append(out, templates.Link{URL: "/me/acting", Text: templates.T("acting.title"), Hint: templates.T("acting.link")})
	}
	return append(out, templates.Link{URL: "/me/mandates", Text: templates.T("mandates.title"), Hint: templates.T("mandates.link")})
}

// Due implements Urger: an invitation waits.
func (h *Handlers) Due(ctx context.Context, v *principal.Visit) ([]templates.Link, error) {
	if v.Principal.Account.Kind != account.NaturalPerson {
		return nil, nil
	}
	list, err := h.Service.Mine(ctx, v.Principal.Account.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return []templates.Link{{URL: "/me/mandates", Text: templates.T("mandates.due"), Hint: templates.T("mandates.due_hint"), Main: true}}, nil
}

// unit is the unit that the request names, or the first that the visitor rules over;
// "" if there is none.
func (h *Handlers) unit(r *http.Request, v *principal.Visit) string {
	ruled := ruled(v, h.Now())
	asked := r.URL.Query().Get("unit")
	for _, m := range ruled {
		if asked == "" || m.Unit.ID == asked {
			return m.Unit.ID
		}
	}
	return ""
}

// show is GET /me/handlers.
func (h *Handlers) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	var p templates.Handlers
	switch done := r.URL.Query().Get("done"); done {
	case "invited", "ended", "withdrawn", "set":
		p.Notice = templates.Text{Key: "handlers.done." + done}
	}
	h.list(w, r, v, p)
}

func (h *Handlers) list(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.Handlers) {
	ctx := r.Context()
	rule, people, offers, err := h.Service.Handlers(ctx, v.Principal.Account.ID, h.unit(r, v))
	var names map[entitlement.SystemID]string
	if err == nil {
		names, err = h.names(r)
	}
	if err == nil {
		p.AskActor, err = h.Service.Store.AsksActor(ctx, rule.Unit.ID)
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p.Unit, p.UnitID, p.MayName = rule.Unit.Name, rule.Unit.ID, len(rule.Holds) > 0
	p.MaySet = rule.Relation == entitlement.Self || rule.Relation == entitlement.LegalRep
	for _, m := range ruled(v, h.Now()) {
		if m.Unit.ID != p.UnitID {
			p.Others = append(p.Others, templates.Link{URL: "/me/handlers?unit=" + url.QueryEscape(m.Unit.ID), Text: templates.Text{Key: m.Unit.Name}})
		}
	}
	for _, a := range people {
		p.People = append(p.People, templates.ActsFor{
			ID: string(a.Account.ID), Name: account.MaskName(a.Account.Profile.Name), Relation: string(a.Mandate.Relation), State: string(a.Mandate.State),
			Source: string(a.Mandate.Source), Until: a.Mandate.Until, Entries: entriesOf(a.Grants, names), May: a.May, Soon: h.soon(a.Mandate.Until),
		})
	}
	for _, i := range offers {
		o := h.offer(i, names)
		o.May = i.State == mandate.Offered && mandate.MayName(rule.Relation, i.Relation)
		p.Offers = append(p.Offers, o)
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

func (h *Handlers) soon(until time.Time) bool {
	return !until.IsZero() && until.Sub(h.Now()) < 30*24*time.Hour
}

func (h *Handlers) offer(i mandate.Invitation, names map[entitlement.SystemID]string) templates.HandlerOffer {
	o := templates.HandlerOffer{
		ID: i.ID, Unit: i.UnitName, Code: i.UnitUSCC, Name: account.MaskName(i.Name), Who: i.Who, Relation: string(i.Relation), State: string(i.State),
		Note: i.Note, AskedAt: i.AskedAt, AnswerBy: i.AnswerBy, Until: i.Until,
	}
	for _, s := range i.Scope {
		o.Entries = append(o.Entries, templates.HandlerEntry{System: names[s.System], Actions: s.Actions})
	}
	return o
}

func entriesOf(grants []entitlement.Grant, names map[entitlement.SystemID]string) (out []templates.HandlerEntry) {
	for _, g := range grants {
		out = append(out, templates.HandlerEntry{System: names[g.System], Actions: g.Actions})
	}
	return out
}

// names are the systems' names in the page's language.
func (h *Handlers) names(r *http.Request) (map[entitlement.SystemID]string, error) {
	list, err := h.Systems.Systems(r.Context())
	names := make(map[entitlement.SystemID]string, len(list))
	for _, y := range list {
		names[y.ID] = y.Name(web.Locale(r.Context()) == templates.English)
	}
	return names, err
}

// change is POST /me/handlers.
func (h *Handlers) change(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, by, unit, f := r.Context(), v.Principal.Account.ID, h.unit(r, v), r.PostForm
	done, err := "ended", error(nil)
	switch {
	case f.Get("end") != "":
		err = h.Service.EndFor(ctx, by, unit, account.ID(f.Get("end")))
	case f.Get("withdraw") != "":
		done, err = "withdrawn", h.Service.Withdraw(ctx, by, f.Get("withdraw"))
	case f.Get("asks") != "":
		done, err = "set", h.Service.AskForActors(ctx, by, unit, f.Get("asks") == "yes")
	}
	if _, text, shown := wrong(err); err != nil && shown {
		h.list(w, r, v, templates.Handlers{Error: text})
		return
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	h.Outbox.Wake()
	see(w, "/me/handlers?unit="+url.QueryEscape(unit)+"&done="+done)
}

// showInvite is GET /me/handlers/invite: with from=<account>, filled for somebody
// who acts for the unit already.
func (h *Handlers) showInvite(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	p := templates.InviteHandler{Months: mandate.DefaultTerm, Role: string(entitlement.Handler)}
	var ticked []string
	if from := r.URL.Query().Get("from"); from != "" {
		_, people, _, err := h.Service.Handlers(r.Context(), v.Principal.Account.ID, h.unit(r, v))
		if err != nil {
			h.pages.Web.Fail(w, r, err)
			return
		}
		for _, a := range people {
			if string(a.Account.ID) == from {
				p.Role, ticked = string(a.Mandate.Relation), entitlement.Names(a.Grants)
			}
		}
	}
	h.form(w, r, v, p, ticked)
}

func (h *Handlers) form(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.InviteHandler, ticked []string) {
	rule, err := h.Service.Rules(r.Context(), v.Principal.Account.ID, h.unit(r, v))
	var names map[entitlement.SystemID]string
	if err == nil {
		names, err = h.names(r)
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p.Unit, p.UnitID, p.Terms = rule.Unit.Name, rule.Unit.ID, mandate.Terms()
	for _, role := range []entitlement.Relation{entitlement.Handler, entitlement.Admin, entitlement.LegalRep} {
		if mandate.MayName(rule.Relation, role) {
			p.Roles = append(p.Roles, string(role))
		}
	}
	for _, s := range rule.Holds {
		one := templates.InviteSystem{Name: names[s.System]}
		for _, a := range s.Actions {
			value := string(s.System) + ":" + a
			one.Actions = append(one.Actions, templates.InviteAction{Value: value, Name: a, Checked: slices.Contains(ticked, value)})
		}
		p.Systems = append(p.Systems, one)
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// invite is POST /me/handlers/invite.
func (h *Handlers) invite(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f, ctx, unit := r.PostForm, r.Context(), h.unit(r, v)
	p := templates.InviteHandler{Who: f.Get("who"), Person: f.Get("name"), Role: f.Get("relation"), Note: f.Get("note")}
	p.Months, _ = strconv.Atoi(f.Get("months")) // what is no number is no term
	wish := mandate.Wish{Unit: unit, Who: p.Who, Name: p.Person, Relation: entitlement.Relation(p.Role), Months: p.Months, Note: p.Note, Scope: scopeOf(f["scope"])}
	_, err := h.Service.Invite(ctx, v.Principal.Account.ID, wish)
	if err == nil {
		h.Outbox.Wake()
		see(w, "/me/handlers?unit="+url.QueryEscape(unit)+"&done=invited")
		return
	}
	var wrongs mandate.Faults
	if errors.As(err, &wrongs) {
		for _, e := range wrongs {
			p.Wrongs = append(p.Wrongs, templates.Wrong{Field: e.Field, Text: templates.Text{Key: e.Msg}})
		}
		h.form(w, r, v, p, f["scope"])
		return
	}
	_, text, shown := wrong(err)
	if !shown {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p.Error = text
	h.form(w, r, v, p, f["scope"])
}

// scopeOf reads <system>:<action> values.
func scopeOf(values []string) (out []entitlement.Scope) {
	for _, value := range values[:min(len(values), 200)] {
		system, action, _ := strings.Cut(value, ":")
		at := slices.IndexFunc(out, func(s entitlement.Scope) bool { return string(s.System) == system })
		if at < 0 {
			out, at = append(out, entitlement.Scope{System: entitlement.SystemID(system)}), len(out)
		}
		if !slices.Contains(out[at].Actions, action) {
			out[at].Actions = append(out[at].Actions, action)
		}
	}
	return out
}

// showMine is GET /me/mandates.
func (h *Handlers) showMine(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	var p templates.Mandates
	switch done := r.URL.Query().Get("done"); done {
	case "confirmed", "declined", "left":
		p.Notice = templates.Text{Key: "mandates.done." + done}
	}
	h.mine(w, r, v, p)
}

func (h *Handlers) mine(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.Mandates) {
	who := v.Principal
	offers, err := h.Service.Mine(r.Context(), who.Account.ID)
	var names map[entitlement.SystemID]string
	if err == nil {
		names, err = h.names(r)
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p.Verified = who.Account.RealName.Verified()
	for _, i := range offers {
		p.Offers = append(p.Offers, h.offer(i, names))
	}
	for _, m := range who.Mandates {
		if !m.State.Open() || !m.Until.IsZero() && !h.Now().Before(m.Until) {
			continue
		}
		var held []entitlement.Grant
		for _, g := range who.Grants {
			if g.UnitID == m.Unit.ID && !g.State.Over() {
				held = append(held, g)
			}
		}
		p.Acts = append(p.Acts, templates.ActsFor{
			ID: m.Unit.ID, Name: m.Unit.Name, Code: string(m.Unit.USCC), Relation: string(m.Relation), State: string(m.State), Source: string(m.Source),
			Until: m.Until, Entries: entriesOf(held, names), Soon: h.soon(m.Until),
		})
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// answer is POST /me/mandates.
func (h *Handlers) answer(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, id, f := r.Context(), v.Principal.Account.ID, r.PostForm
	done, err := "confirmed", error(nil)
	switch {
	case f.Get("confirm") != "":
		err = h.Service.Confirm(ctx, id, f.Get("confirm"))
	case f.Get("decline") != "":
		done, err = "declined", h.Service.Decline(ctx, id, f.Get("decline"))
	default:
		done, err = "left", h.Service.Leave(ctx, id, f.Get("leave"))
	}
	if _, text, shown := wrong(err); err != nil && shown {
		h.mine(w, r, v, templates.Mandates{Error: text})
		return
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	h.Outbox.Wake()
	see(w, "/me/mandates?done="+done)
}

// turn is the session in which somebody is to say who acts; false, and the request
// is answered, where it is no verified unit's own.
func (h *Handlers) turn(w http.ResponseWriter, r *http.Request, v *principal.Visit) (mandate.Turn, bool) {
	u := v.Principal.Unit
	if v.Principal.Account.Kind != account.LegalEntity || u == nil {
		h.pages.Web.Fail(w, r, fault.New(fault.NotFound, "this page is for units' own accounts"))
		return mandate.Turn{}, false
	}
	return mandate.Turn{
		Account: v.Principal.Account.ID, Unit: u.ID, Session: v.Session.ID, Address: web.ClientIP(r.Context()), Locale: web.Locale(r.Context()).String(),
		Browser: h.pages.Web.Browser(w, r), Captcha: r.PostForm.Get("captcha_id"), Answer: r.PostForm.Get("captcha"),
	}, true
}

// showActing is GET /me/acting.
func (h *Handlers) showActing(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if t, ok := h.turn(w, r, v); ok {
		h.acting(w, r, v, t, templates.ActingHandler{})
	}
}

func (h *Handlers) acting(w http.ResponseWriter, r *http.Request, v *principal.Visit, t mandate.Turn, p templates.ActingHandler) {
	people, err := h.Service.Actors(r.Context(), t.Unit)
	if err == nil {
		p.Required, err = h.Service.Store.AsksActor(r.Context(), t.Unit)
	}
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p.Unit = v.Principal.Unit.Name
	if v.Actor != nil {
		p.Now = visitor.Name(principal.Principal{Account: *v.Actor})
	}
	for _, a := range people {
		one := templates.ActingPerson{
			ID: string(a.Account.ID), Name: account.MaskName(a.Account.Profile.Name), Relation: string(a.Mandate.Relation), Mobile: maskMobile(a.Account.Profile.Phone),
		}
		if p.People = append(p.People, one); one.ID == p.Chosen {
			p.To = one.Mobile
		}
	}
	if p.Chosen == "" && len(p.People) > 0 {
		c, err := h.Service.Captchas.Draw(r.Context(), t.Browser, challenge.Act)
		if err != nil {
			h.pages.Web.Fail(w, r, err)
			return
		}
		p.Captcha.ID = c.ID
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}
