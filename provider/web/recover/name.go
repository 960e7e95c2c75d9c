package recover

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// startOf is the first page of an appeal.
func startOf(w recovery.Way) string {
	path := "/appeal"
	if aim := w.Kind().Aim(); aim != recovery.ForPassword {
		path += "/" + string(aim)
	}
	if w.Kind().Of() == account.LegalEntity {
		return path + "/unit"
	}
	return path + "/person"
}

// doneOf is the page at the end of an appeal.
func doneOf(k recovery.Kind) string {
	if aim := k.Aim(); aim != recovery.ForPassword {
		return "/forgot/done?of=" + string(aim)
	}
	return "/forgot/done"
}

// tabs are the two windows of an appeal with an aim.
func tabs(aim recovery.Aim, k account.Kind) []templates.RecoverLink {
	person, unit := back("/appeal/"+string(aim)+"/person", "recover.reset.person"), back("/appeal/"+string(aim)+"/unit", "recover.reset.unit")
	person.Current, unit.Current = k == account.NaturalPerson, k == account.LegalEntity
	return []templates.RecoverLink{person, unit}
}

// namePersonForm is the first step of a person's appeal for the own number as
// login name.
func (h *Handler) namePersonForm(t recovery.Form) form {
	f := form{purpose: challenge.Appeal, page: templates.RecoverForm{
		Heading: templates.T("appeal.name.title"), Lead: templates.T("appeal.name.person_lead"), Step: 1, Steps: 4, Submit: templates.T("recover.next"),
		Tabs: tabs(recovery.ForName, account.NaturalPerson),
		Ways: []templates.RecoverLink{back("/forgot", "recover.other_way"), back("/appeal/track", "recover.forgot.track")},
	}}
	f.blank(templates.Blank{Field: "mobile", Label: templates.T("appeal.name.mobile"), Hint: templates.T("appeal.name.wanted_hint"), Value: t.Mobile, Max: 32, Auto: "tel", Mode: "tel"})
	f.blank(templates.Blank{Field: "login_name", Label: templates.T("appeal.name.own"), Hint: templates.T("appeal.name.own_hint"), Value: t.LoginName, Max: 128, Optional: true})
	f.identity("", t.Name, t.IDType, t.IDNumber, "appeal.")
	return f
}

func (h *Handler) showNamePerson(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.namePersonForm(recovery.Form{}))
}

// nameUnitForm is the first step of a unit's appeal for its code as login name.
func (h *Handler) nameUnitForm(name string) form {
	f := h.unitForm(name)
	f.page.Heading, f.page.Lead, f.page.Tabs = templates.T("appeal.name.title"), templates.T("appeal.name.unit_lead"), tabs(recovery.ForName, account.LegalEntity)
	return f
}

func (h *Handler) showNameUnit(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.nameUnitForm(""))
}

// reclaimForm takes what an approved appeal gives where that is no password.
func (h *Handler) reclaimForm(t recovery.Tracked) form {
	f := h.redeemForm(t)
	of := func(key string) templates.Text {
		return templates.Text{Key: "appeal." + string(t.Appeal.Kind.Aim()) + "." + key}
	}
	f.page.Heading, f.page.Lead, f.page.Submit = of("claim"), of("claim_lead"), of("claim")
	f.page.After = nil
	return f
}

// showReclaim is GET /appeal/claim.
func (h *Handler) showReclaim(w http.ResponseWriter, r *http.Request) {
	if t, ok := h.redeemable(w, r); ok {
		h.show(w, r, h.reclaimForm(t))
	}
}

// reclaim is POST /appeal/claim: a wish for a code, or the code.
func (h *Handler) reclaim(w http.ResponseWriter, r *http.Request) {
	t, ok := h.redeemable(w, r)
	if !ok {
		return
	}
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	f := h.reclaimForm(t)
	if asksCode(r) && t.Step != recovery.Proved {
		if _, err := h.Recovery.SendRedeemCode(ctx, by, id); err != nil {
			h.wrong(w, r, f, err)
			return
		}
		see(w, at("/appeal/claim", id))
		return
	}
	if err := h.Recovery.RedeemByCode(ctx, by, id, r.PostForm.Get("code")); err != nil {
		h.wrong(w, r, f, err)
		return
	}
	see(w, doneOf(t.Appeal.Kind))
}

// showNameDone ends an appeal for a login name well.
func (h *Handler) showNameDone(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.RecoverDone{
		Heading: templates.T("appeal.name.done_title"), Lead: templates.T("appeal.name.done"),
		Points: []templates.Text{templates.T("appeal.name.done_password"), templates.T("appeal.name.done_free")},
		Link:   templates.RecoverLink{URL: "/login", Label: templates.T("recover.back_to_login")},
	})
}
