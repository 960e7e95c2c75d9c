package recover

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// showForgot is GET /forgot.
func (h *Handler) showForgot(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.Forgot{})
}

// findForm is the first step of a reset: 检索登录名.
func (h *Handler) findForm(r *http.Request, login string) (form, account.Kind) {
	kind := account.Kind(r.URL.Query().Get("window"))
	if !kind.Known() {
		kind = account.NaturalPerson
	}
	f := form{purpose: challenge.Forgot, page: templates.RecoverForm{
		Heading: templates.T("recover.reset.title"), Lead: templates.T("recover.reset.find_lead"), Step: 1, Steps: 2,
		Tabs: []templates.RecoverLink{
			{URL: "/forgot/reset?window=natural_person", Label: templates.T("recover.reset.person"), Current: kind == account.NaturalPerson},
			{URL: "/forgot/reset?window=legal_entity", Label: templates.T("recover.reset.unit"), Current: kind == account.LegalEntity},
		},
		Submit: templates.T("recover.reset.find"),
		Ways:   []templates.RecoverLink{back("/forgot/name", "recover.forgot.name"), back("/forgot", "recover.other_way"), back("/login", "recover.back_to_login")},
	}}
	f.blank(templates.Blank{Field: "login_name", Label: templates.T("signin.username"), Hint: templates.T("recover.reset.login_hint"), Value: login, Max: 128, Auto: "username"})
	return f, kind
}

func (h *Handler) showFind(w http.ResponseWriter, r *http.Request) {
	f, _ := h.findForm(r, "")
	h.show(w, r, f)
}

// find is POST /forgot/reset.
func (h *Handler) find(w http.ResponseWriter, r *http.Request) {
	f, kind := h.findForm(r, typed(r, "login_name"))
	if again(r) {
		h.show(w, r, f)
		return
	}
	id, err := h.Recovery.Find(r.Context(), h.asker(w, r), kind, r.PostForm.Get("login_name"), solved(r))
	if err != nil {
		h.wrong(w, r, f, err)
		return
	}
	see(w, at("/forgot/reset/verify", id))
}

// resetForm is the second step, or what is still owed after the code was right.
func (h *Handler) resetForm(st recovery.Standing, on recovery.OnFile) form {
	unit := st.Way == recovery.ResetUnit
	f := form{page: templates.RecoverForm{
		Heading: templates.T("recover.reset.title"), Lead: templates.T("recover.reset.verify_lead"), Step: 2, Steps: 2,
		Facts:  []templates.RecoverFact{{Label: templates.T("signin.username"), Value: st.Login, Code: true}},
		Submit: templates.T("recover.reset.submit"),
		Ways:   []templates.RecoverLink{back("/appeal/person", "recover.reset.no_mobile"), back("/forgot", "recover.other_way")},
	}}
	if unit {
		f.page.Ways[0].URL = "/appeal/unit"
	}
	f.page.After = h.secrets()
	if st.Step == recovery.Proved {
		f.page.Lead = templates.T("recover.reset.proved_lead")
		if st.Owed.Digits {
			f.blank(templates.Blank{Field: "digits", Label: templates.T("recover.reset.digits"), Hint: digitsHint(unit), Max: 12})
		}
		if st.Owed.Factor {
			f.blank(templates.Blank{Field: "factor", Label: templates.T("recover.reset.factor"), Hint: templates.T("recover.reset.factor_hint"), Max: 32, Auto: "one-time-code"})
		}
		return f
	}
	if unit {
		f.blank(templates.Blank{Field: "unit_name", Label: templates.T("recover.unit_name"), Value: on.UnitName, Max: 100, Auto: "organization"})
		f.blank(templates.Blank{Field: "uscc", Label: templates.T("recover.uscc"), Value: on.USCC, Max: 40})
	}
	f.blank(templates.Blank{Field: "mobile", Label: templates.T("recover.reset.mobile"), Hint: templates.T("recover.reset.mobile_hint"), Value: on.Mobile, Max: 32, Auto: "tel", Mode: "tel"})
	f.page.Code = &templates.Code{}
	if st.Step == recovery.Sent {
		f.page.Code.To = account.MaskMobile(st.Typed.Mobile)
		f.page.Notice = templates.T("recover.reset.sent")
	}
	return f
}

func digitsHint(unit bool) templates.Text {
	if unit {
		return templates.T("recover.reset.digits_hint_unit")
	}
	return templates.T("recover.reset.digits_hint")
}

// showReset is GET /forgot/reset/verify.
func (h *Handler) showReset(w http.ResponseWriter, r *http.Request) {
	st, err := h.Recovery.Stands(r.Context(), h.asker(w, r), flowOf(r), recovery.ResetPerson, recovery.ResetUnit)
	if err != nil {
		h.end(w, r, err)
		return
	}
	if st.Step == recovery.Done {
		see(w, "/forgot/done")
		return
	}
	h.show(w, r, h.resetForm(st, shownOnFile(st.Typed)))
}

// shownOnFile shows a number as it was typed rather than in E.164.
func shownOnFile(on recovery.OnFile) recovery.OnFile {
	if m, err := account.ParseMobile(on.Mobile); err == nil {
		on.Mobile = string(m)
	}
	return on
}

// reset is POST /forgot/reset/verify: a wish for a code, or the new password.
func (h *Handler) reset(w http.ResponseWriter, r *http.Request) {
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	st, err := h.Recovery.Stands(ctx, by, id, recovery.ResetPerson, recovery.ResetUnit)
	if err != nil {
		h.end(w, r, err)
		return
	}
	on := recovery.OnFile{Mobile: typed(r, "mobile"), UnitName: typed(r, "unit_name"), USCC: typed(r, "uscc")}
	f := h.resetForm(st, on)
	if asksCode(r) && st.Step != recovery.Proved {
		if _, err := h.Recovery.SendCode(ctx, by, id, on); err != nil {
			h.wrong(w, r, f, err)
			return
		}
		see(w, at("/forgot/reset/verify", id))
		return
	}
	if err := unequal(r); err != nil {
		h.wrong(w, r, f, err)
		return
	}
	if err := h.Recovery.Reset(ctx, by, id, answer(r)); err != nil {
		if now, e := h.Recovery.Stands(ctx, by, id, st.Way); e == nil && now.Step != st.Step { // the code was right, more is owed
			f = h.resetForm(now, on)
		}
		h.wrong(w, r, f, err)
		return
	}
	see(w, "/forgot/done")
}

// showDone is GET /forgot/done.
func (h *Handler) showDone(w http.ResponseWriter, r *http.Request) {
	switch recovery.Aim(r.URL.Query().Get("of")) {
	case recovery.ForName:
		h.showNameDone(w, r)
		return
	case recovery.ForFactor:
		h.showFactorDone(w, r)
		return
	}
	h.Web.Show(w, r, http.StatusOK, templates.RecoverDone{
		Heading: templates.T("recover.done.title"), Lead: templates.T("recover.done.lead"),
		Points: []templates.Text{templates.T("recover.done.sessions"), templates.T("recover.done.notice"), templates.T("recover.done.hold")},
		Link:   templates.RecoverLink{URL: "/login", Label: templates.T("recover.done.go")},
	})
}
