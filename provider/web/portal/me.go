package portal

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// showMe is GET /me, 我的信息: who the platform takes one for, how far that is
// verified, and what one can do about either.
func (h *Handler) showMe(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	a := v.Principal.Account
	c, err := h.Names.caseOf(r, v)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.Me{
		AccountType: string(a.Kind), LoginName: visitor.LoginName(a), Facts: facts(v.Principal), Standing: standing(a, c), Links: h.Names.links(a, c),
	}
	for _, part := range h.Parts {
		p.Links = append(p.Links, part.Links(v)...)
		if u, ok := part.(Urger); ok {
			due, err := u.Due(r.Context(), v)
			if err != nil {
				h.Web.Fail(w, r, err)
				return
			}
			p.Links = append(due, p.Links...)
		}
	}
	develops, err := h.Develops(r.Context(), v)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if develops {
		p.Links = append(p.Links, templates.Link{URL: "/console", Text: templates.T("console.me"), Hint: templates.T("console.me_hint")})
	}
	h.Web.Show(w, r, http.StatusOK, p, as(v))
}

// facts are the last verified snapshot and the contacts, masked (C29).
func facts(who principal.Principal) []templates.Fact {
	var out []templates.Fact
	add := func(label, value string) {
		if value != "" {
			out = append(out, templates.Fact{Label: label, Value: value})
		}
	}
	a, p := who.Account, who.Account.Profile
	if u := who.Unit; u != nil {
		add("unit_name", u.Name)
		add("uscc", string(u.USCC))
	}
	if a.Kind == account.NaturalPerson {
		add("name", account.MaskName(p.Name))
		add("id_number", account.MaskID(p.IDNumber))
	}
	if l := p.LegalRep; l != nil {
		add("legal_rep", account.MaskName(l.Name))
		add("legal_rep_number", account.MaskID(l.IDNumber))
	}
	if c := p.Contact; c != nil {
		add("contact", account.MaskName(c.Name))
		add("contact_mobile", maskMobile(c.Phone))
	}
	add("mobile", maskMobile(p.Phone))
	add("email", maskEmail(p.Email))
	return out
}

func maskMobile(number string) string {
	if number == "" {
		return ""
	}
	return account.MaskMobile(number)
}

func maskEmail(address string) string {
	if address == "" {
		return ""
	}
	return account.MaskEmail(address)
}
