package recover

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// factorPersonForm is the first step of 二次验证申诉 of a person.
func (h *Handler) factorPersonForm(t recovery.Form) form {
	f := h.personForm(t)
	f.page.Heading, f.page.Lead, f.page.Tabs = templates.T("appeal.factor.title"), templates.T("appeal.factor.lead"), tabs(recovery.ForFactor, account.NaturalPerson)
	last := len(f.page.Blanks) - 1
	f.page.Blanks[last].Hint = templates.T("appeal.name.mobile_hint")
	return f
}

func (h *Handler) showFactorPerson(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.factorPersonForm(recovery.Form{}))
}

// factorUnitForm is the first step of 二次验证申诉 of a unit.
func (h *Handler) factorUnitForm(name string) form {
	f := h.unitForm(name)
	f.page.Heading, f.page.Lead, f.page.Tabs = templates.T("appeal.factor.title"), templates.T("appeal.factor.unit_lead"), tabs(recovery.ForFactor, account.LegalEntity)
	return f
}

func (h *Handler) showFactorUnit(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.factorUnitForm(""))
}

// showFactorDone ends an appeal about second factors well.
func (h *Handler) showFactorDone(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.RecoverDone{
		Heading: templates.T("appeal.factor.done_title"), Lead: templates.T("appeal.factor.done"),
		Points: []templates.Text{templates.T("recover.done.sessions"), templates.T("recover.done.hold"), templates.T("appeal.factor.done_again")},
		Link:   templates.RecoverLink{URL: "/login", Label: templates.T("recover.back_to_login")},
	})
}
