package recover

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// posted is an appeal as its form was sent.
func posted(r *http.Request) recovery.Form {
	return recovery.Form{
		LoginName: typed(r, "login_name"), Name: typed(r, "name"), IDType: typed(r, "id_type"), IDNumber: typed(r, "id_number"), Mobile: typed(r, "mobile"),
		UnitName: typed(r, "unit_name"), USCC: typed(r, "uscc"),
		RepName: typed(r, "rep_name"), RepIDType: typed(r, "rep_id_type"), RepIDNumber: typed(r, "rep_id_number"), IsRep: typed(r, "is_rep") == "yes",
	}
}

// documentTypes are the options of a document's type.
func documentTypes() []templates.Option {
	var out []templates.Option
	for _, t := range []string{account.DocResident, account.DocResidencePermit, account.DocMainlandPass, account.DocTaiwanPass, account.DocPermanent, account.DocPassport} {
		out = append(out, templates.Option{Value: t, Label: templates.Text{Key: "recover.document." + t}})
	}
	return out
}

func (f *form) identity(prefix, name, kind, number string, labels string) {
	f.blank(templates.Blank{Field: prefix + "name", Label: templates.Text{Key: labels + "name"}, Value: name, Max: 50, Auto: "off"})
	f.blank(templates.Blank{Field: prefix + "id_type", Kind: templates.BlankChoice, Label: templates.Text{Key: labels + "id_type"}, Value: kind, Options: documentTypes()})
	f.blank(templates.Blank{Field: prefix + "id_number", Label: templates.Text{Key: labels + "id_number"}, Value: number, Max: 40})
}

// personForm is the first step of a person's appeal.
func (h *Handler) personForm(t recovery.Form) form {
	f := form{purpose: challenge.Appeal, page: templates.RecoverForm{
		Heading: templates.T("appeal.person.title"), Lead: templates.T("appeal.person.lead"), Step: 1, Steps: 4, Submit: templates.T("recover.next"),
		Ways: []templates.RecoverLink{back("/forgot", "recover.other_way"), back("/appeal/track", "recover.forgot.track")},
	}}
	f.blank(templates.Blank{Field: "login_name", Label: templates.T("signin.username"), Hint: templates.T("appeal.login_hint"), Value: t.LoginName, Max: 128, Optional: true})
	f.identity("", t.Name, t.IDType, t.IDNumber, "appeal.")
	f.blank(templates.Blank{Field: "mobile", Label: templates.T("appeal.mobile"), Hint: templates.T("appeal.mobile_hint"), Value: t.Mobile, Max: 32, Auto: "tel", Mode: "tel"})
	return f
}

func (h *Handler) showPerson(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.personForm(recovery.Form{}))
}

// beginPerson is the post of the first step of a person's appeal of a kind, with its
// form.
func (h *Handler) beginPerson(k recovery.Kind, formOf func(recovery.Form) form) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := posted(r)
		f := formOf(t)
		if again(r) {
			h.show(w, r, f)
			return
		}
		id, err := h.Recovery.BeginPerson(r.Context(), h.asker(w, r), k, t, solved(r))
		if err != nil {
			h.wrong(w, r, f, err)
			return
		}
		see(w, at("/appeal/mobile", id))
	}
}

// unitForm is the first step of a unit's appeal: 检索单位名称.
func (h *Handler) unitForm(name string) form {
	f := form{purpose: challenge.Appeal, page: templates.RecoverForm{
		Heading: templates.T("appeal.unit.title"), Lead: templates.T("appeal.unit.lead"), Step: 1, Steps: 5, Submit: templates.T("appeal.unit.find"),
		Ways: []templates.RecoverLink{back("/forgot/contact", "recover.forgot.contact"), back("/forgot", "recover.other_way"), back("/appeal/track", "recover.forgot.track")},
	}}
	f.blank(templates.Blank{Field: "unit_name", Label: templates.T("recover.unit_name"), Hint: templates.T("appeal.unit.name_hint"), Value: name, Max: 100, Auto: "organization"})
	return f
}

func (h *Handler) showUnit(w http.ResponseWriter, r *http.Request) { h.show(w, r, h.unitForm("")) }

// beginUnit is beginPerson for a unit.
func (h *Handler) beginUnit(k recovery.Kind, formOf func(name string) form) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := formOf(typed(r, "unit_name"))
		if again(r) {
			h.show(w, r, f)
			return
		}
		id, err := h.Recovery.BeginUnit(r.Context(), h.asker(w, r), k, r.PostForm.Get("unit_name"), solved(r))
		if err != nil {
			h.wrong(w, r, f, err)
			return
		}
		see(w, at("/appeal/fill", id))
	}
}

// fillForm is the second step of a unit's appeal.
func (h *Handler) fillForm(st recovery.Standing, t recovery.Form) form {
	f := form{page: templates.RecoverForm{
		Heading: templates.T("appeal.unit.title"), Lead: templates.T("appeal.fill.lead"), Step: 2, Steps: 5, Submit: templates.T("recover.next"),
		Facts: []templates.RecoverFact{{Label: templates.T("recover.unit_name"), Value: st.Claim.UnitName}},
		Ways:  []templates.RecoverLink{back(startOf(st.Way), "appeal.fill.other_unit")},
	}}
	uscc, mobileHint := templates.T("recover.uscc"), templates.T("appeal.mobile_hint")
	if st.Way.Kind().Reclaims() {
		f.page.Heading, uscc, mobileHint = templates.T("appeal.name.title"), templates.T("appeal.name.uscc"), templates.T("appeal.name.mobile_hint")
	}
	if st.Way.Kind().Aim() == recovery.ForFactor {
		f.page.Heading, mobileHint = templates.T("appeal.factor.title"), templates.T("appeal.name.mobile_hint")
	}
	f.blank(templates.Blank{Field: "uscc", Label: uscc, Value: t.USCC, Max: 40})
	if st.Way.Kind().Reclaims() {
		f.blank(templates.Blank{Field: "login_name", Label: templates.T("appeal.name.own"), Hint: templates.T("appeal.name.own_hint"), Value: t.LoginName, Max: 128, Optional: true})
	}
	f.identity("rep_", t.RepName, t.RepIDType, t.RepIDNumber, "appeal.rep_")
	tick := templates.Blank{Field: "is_rep", Kind: templates.BlankTick, Label: templates.T("appeal.is_rep"), Hint: templates.T("appeal.is_rep_hint")}
	if t.IsRep {
		tick.Value = "yes"
	}
	f.blank(tick)
	f.identity("", t.Name, t.IDType, t.IDNumber, "appeal.applicant_")
	for i := range f.page.Blanks[len(f.page.Blanks)-3:] {
		f.page.Blanks[len(f.page.Blanks)-3+i].Optional = true // the representative's own, if they are the same
	}
	f.blank(templates.Blank{Field: "mobile", Label: templates.T("appeal.mobile"), Hint: mobileHint, Value: t.Mobile, Max: 32, Auto: "tel", Mode: "tel"})
	return f
}

// unitWays are those of units' appeals.
func unitWays() []recovery.Way {
	return []recovery.Way{recovery.AppealUnit, recovery.NameUnit, recovery.FactorUnit}
}

// showFill is GET /appeal/fill.
func (h *Handler) showFill(w http.ResponseWriter, r *http.Request) {
	st, err := h.Recovery.Stands(r.Context(), h.asker(w, r), flowOf(r), unitWays()...)
	if err != nil {
		h.end(w, r, err)
		return
	}
	if st.Step == recovery.Proved || st.Step == recovery.Done {
		h.goOn(w, r, st.Step)
		return
	}
	h.show(w, r, h.fillForm(st, recovery.Form{}))
}

// fill is POST /appeal/fill.
func (h *Handler) fill(w http.ResponseWriter, r *http.Request) {
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	st, err := h.Recovery.Stands(ctx, by, id, unitWays()...)
	if err != nil {
		h.end(w, r, err)
		return
	}
	t := posted(r)
	if _, err := h.Recovery.Fill(ctx, by, id, t); err != nil {
		h.wrong(w, r, h.fillForm(st, t), err)
		return
	}
	see(w, at("/appeal/mobile", id))
}

// goOn leads to the page of the step that an appeal's flow is at.
func (h *Handler) goOn(w http.ResponseWriter, r *http.Request, s recovery.Step) {
	switch s {
	case recovery.Proved:
		see(w, at("/appeal/evidence", flowOf(r)))
	case recovery.Done:
		see(w, at("/appeal/filed", flowOf(r)))
	default:
		see(w, at("/appeal/mobile", flowOf(r)))
	}
}

// mobileForm proves the new number.
func (h *Handler) mobileForm(st recovery.Standing) form {
	f := form{page: templates.RecoverForm{
		Heading: templates.T("appeal.mobile.title"), Lead: templates.T("appeal.mobile.lead"), Step: 2, Steps: 4,
		Code: &templates.Code{To: account.MaskMobile(st.Claim.Mobile)}, Submit: templates.T("recover.next"),
		Ways: []templates.RecoverLink{back(startOf(st.Way), "appeal.mobile.other")},
	}}
	if st.Way.Kind().Of() == account.LegalEntity {
		f.page.Step, f.page.Steps = 3, 5
	}
	return f
}

func (h *Handler) atMobile(w http.ResponseWriter, r *http.Request) (recovery.Standing, bool) {
	st, err := h.Recovery.Stands(r.Context(), h.asker(w, r), flowOf(r), recovery.Filings()...)
	switch {
	case err != nil:
		h.end(w, r, err)
	case st.Step == recovery.Begun && st.Way.Kind().Of() == account.LegalEntity:
		see(w, at("/appeal/fill", flowOf(r)))
	case st.Step != recovery.Sent:
		h.goOn(w, r, st.Step)
	default:
		return st, true
	}
	return st, false
}

// showMobile is GET /appeal/mobile.
func (h *Handler) showMobile(w http.ResponseWriter, r *http.Request) {
	if st, ok := h.atMobile(w, r); ok {
		h.show(w, r, h.mobileForm(st))
	}
}

// proveMobile is POST /appeal/mobile.
func (h *Handler) proveMobile(w http.ResponseWriter, r *http.Request) {
	st, ok := h.atMobile(w, r)
	if !ok {
		return
	}
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	if asksCode(r) {
		if _, err := h.Recovery.Resend(ctx, by, id); err != nil {
			h.wrong(w, r, h.mobileForm(st), err)
			return
		}
		see(w, at("/appeal/mobile", id))
		return
	}
	if err := h.Recovery.ProveMobile(ctx, by, id, r.PostForm.Get("code")); err != nil {
		h.wrong(w, r, h.mobileForm(st), err)
		return
	}
	see(w, at("/appeal/evidence", id))
}
