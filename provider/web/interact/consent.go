package interact

import (
	"net/http"
	"slices"
	"strings"

	"kejitong/provider/audit"
	"kejitong/provider/consent"
	"kejitong/provider/entitlement"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// showConsent is GET /consent: who asks, for what, for which purpose (PIPL
// articles 17, 23, 29).
func (h *Handler) showConsent(w http.ResponseWriter, r *http.Request, s *step) {
	if s.visit == nil {
		h.back(w, s)
		return
	}
	m, scopes := s.client.Metadata, asked(s.client, s.form)
	unit := h.standing(s)
	p := templates.Consent{
		Asks: *s.asks(), LegalName: m.LegalName, Contact: strings.Join(m.Contacts, ", "), Purpose: m.Purpose, Unreviewed: !s.client.Reviewed,
		Person: visitor.Name(s.visit.Principal), Offline: slices.Contains(scopes, consent.Offline), Hidden: s.hidden(),
	}
	if s.form.Get("device") != "" {
		p.Device = s.form.Get("user_code")
	}
	if unit != nil {
		u := unitOf(*unit)
		p.Unit = &u
	}
	for _, scope := range scopes {
		k, _ := consent.Known(scope)
		items := h.items(r, s, unit, scope)
		if k.Sensitive {
			p.Sensitive = append(p.Sensitive, items...)
		} else {
			p.Items = append(p.Items, items...)
		}
	}
	details, err := h.details(r, s, unit)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p.Items = append(p.Items, details...)
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// decideConsent is POST /consent. What is decided on is read from the parked
// request; the form only says yes or no and which sensitive items are ticked.
func (h *Handler) decideConsent(w http.ResponseWriter, r *http.Request, s *step) {
	if !s.drawnFor(r) {
		h.back(w, s)
		return
	}
	ctx, who := r.Context(), s.visit.Principal.Account.ID
	scopes := asked(s.client, s.form)
	ev := audit.From(ctx, audit.Event{Actor: string(who), Object: s.client.ID, Client: s.client.ID, Detail: strings.Join(scopes, " ")})
	switch {
	case r.PostForm.Get("decision") == "deny", cancelled(r):
		ev.Kind, ev.Result = audit.ConsentRefused, "refused"
		if err := h.Audit.Record(ctx, ev); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		h.decline(w, r, s, "consent")
	case r.PostForm.Get("decision") == "allow":
		decided := decisions(scopes, r.PostForm["sensitive"])
		ev.Kind, ev.Detail = audit.ConsentGiven, strings.Join(decided, " ")
		given := consent.Consent{
			Account: who, Client: s.client.ID, Scopes: append(decided, earlier(s.visit.Consent, scopes)...), GivenAt: h.Now(),
		}
		if err := h.Consents.GiveConsent(ctx, given, ev); err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		s.bind(s.visit.Session)
		s.pd.Consented = true
		h.advance(w, r, s)
	default:
		h.back(w, s)
	}
}

// decisions allows every asked scope that is not sensitive and the sensitive
// ones that are ticked; the others are recorded as refused.
func decisions(scopes, ticked []string) []string {
	out := make([]string, 0, len(scopes))
	for _, scope := range scopes {
		if k, _ := consent.Known(scope); k.Sensitive && !slices.Contains(ticked, scope) {
			scope = consent.Refuse(scope)
		}
		out = append(out, scope)
	}
	return out
}

// earlier are the decisions of before on scopes that were not asked about now.
func earlier(c consent.Consent, scopes []string) []string {
	var out []string
	for _, past := range c.Scopes {
		if !slices.ContainsFunc(scopes, func(s string) bool { return past == s || past == consent.Refuse(s) }) {
			out = append(out, past)
		}
	}
	return out
}

// standing is the unit that the tokens of this request would speak for, nil if
// none.
func (h *Handler) standing(s *step) *entitlement.Mandate {
	chosen := ""
	if s.pd.Session == s.visit.Session.ID {
		chosen = s.pd.Unit
	}
	now, who := h.Now(), s.visit.Principal
	stand := principal.StandFor(s.client, who, s.form.Get("org_hint"), chosen, now)
	if stand.Unit == "" {
		return nil
	}
	m, ok := who.ActsFor(stand.Unit, now)
	if !ok {
		return nil
	}
	return &m
}
