package recover

import (
	"errors"
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/recovery"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// objectForm is for those who cannot sign in: the notice names the case, and the
// mobile that it came to proves whose account it is.
func (h *Handler) objectForm(number, mobile string) form {
	f := form{purpose: challenge.Appeal, page: templates.RecoverForm{
		Heading: templates.T("object.title"), Lead: templates.T("object.ask_lead"), Step: 1, Steps: 2, Submit: templates.T("recover.next"),
		Ways: []templates.RecoverLink{back("/login?next=%2Fappeal%2Fobject", "object.sign_in"), back("/forgot", "recover.other_way")},
	}}
	f.blank(templates.Blank{Field: "number", Label: templates.T("appeal.number"), Value: number, Max: 40})
	f.blank(templates.Blank{Field: "mobile", Label: templates.T("object.mobile"), Hint: templates.T("object.mobile_hint"), Value: mobile, Max: 32, Auto: "tel", Mode: "tel"})
	return f
}

// showObject is GET /appeal/object.
func (h *Handler) showObject(w http.ResponseWriter, r *http.Request) {
	v, err := h.Visitors.Of(r, "")
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if v == nil {
		h.show(w, r, h.objectForm("", ""))
		return
	}
	h.showList(w, r, v, templates.ObjectList{Done: r.URL.Query().Get("result") == "done"})
}

func (h *Handler) showList(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.ObjectList) {
	all, err := h.Recovery.Against(r.Context(), v.Principal.Account.ID)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	for _, a := range all {
		line := h.progress(a)
		line.Hidden = map[string]string{"appeal": a.Number}
		p.Appeals = append(p.Appeals, line)
	}
	h.Web.Show(w, r, http.StatusOK, p, web.As(visitor.Name(v.Principal), ""))
}

// object is POST /appeal/object: the objection of somebody who is signed in, or
// the start of another's.
func (h *Handler) object(w http.ResponseWriter, r *http.Request) {
	v, err := h.Visitors.Of(r, "")
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if v == nil {
		h.beginObject(w, r)
		return
	}
	who := v.Principal.Account.ID
	all, err := h.Recovery.Against(r.Context(), who)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	err = fault.New(fault.NotFound, recovery.MsgNoAppeal)
	for _, a := range all { // looked up by its parent
		if a.Number == r.PostForm.Get("appeal") {
			err = h.Recovery.Object(r.Context(), who, a.ID, typed(r, "reason"))
		}
	}
	var why *fault.Error
	switch {
	case err == nil:
		see(w, "/appeal/object?result=done")
	case errors.As(err, &why) && why.Kind == fault.Invalid:
		h.showList(w, r, v, templates.ObjectList{Which: r.PostForm.Get("appeal"), Reason: typed(r, "reason"), Error: h.says(why)})
	default:
		h.end(w, r, err)
	}
}

func (h *Handler) beginObject(w http.ResponseWriter, r *http.Request) {
	f := h.objectForm(typed(r, "number"), typed(r, "mobile"))
	if again(r) {
		h.show(w, r, f)
		return
	}
	id, err := h.Recovery.BeginObject(r.Context(), h.asker(w, r), r.PostForm.Get("number"), r.PostForm.Get("mobile"), solved(r))
	if err != nil {
		h.wrong(w, r, f, err)
		return
	}
	see(w, at("/appeal/object/verify", id))
}

func (h *Handler) objectVerifyForm(st recovery.Standing, reason string) form {
	f := form{page: templates.RecoverForm{
		Heading: templates.T("object.title"), Lead: templates.T("object.verify_lead"), Step: 2, Steps: 2, Submit: templates.T("object.submit"),
	}}
	if st.Step != recovery.Proved {
		f.page.Code = &templates.Code{To: account.MaskMobile(st.Typed.Mobile)}
	}
	f.page.After = []templates.Blank{{Field: "reason", Kind: templates.BlankArea, Label: templates.T("object.reason"), Value: reason, Max: 500}}
	return f
}

// showObjectVerify is GET /appeal/object/verify.
func (h *Handler) showObjectVerify(w http.ResponseWriter, r *http.Request) {
	st, err := h.Recovery.Stands(r.Context(), h.asker(w, r), flowOf(r), recovery.Contest)
	switch {
	case err != nil:
		h.end(w, r, err)
	case st.Step == recovery.Done:
		h.showObjected(w, r)
	default:
		h.show(w, r, h.objectVerifyForm(st, ""))
	}
}

func (h *Handler) showObjected(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.RecoverDone{
		Heading: templates.T("object.done_title"), Lead: templates.T("object.done"),
		Link: templates.RecoverLink{URL: "/", Label: templates.T("recover.home")},
	})
}

// objectVerify is POST /appeal/object/verify.
func (h *Handler) objectVerify(w http.ResponseWriter, r *http.Request) {
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	st, err := h.Recovery.Stands(ctx, by, id, recovery.Contest)
	if err != nil {
		h.end(w, r, err)
		return
	}
	if asksCode(r) {
		if _, err := h.Recovery.ResendObject(ctx, by, id); err != nil {
			h.wrong(w, r, h.objectVerifyForm(st, typed(r, "reason")), err)
			return
		}
		see(w, at("/appeal/object/verify", id))
		return
	}
	if err := h.Recovery.FinishObject(ctx, by, id, r.PostForm.Get("code"), typed(r, "reason")); err != nil {
		if now, e := h.Recovery.Stands(ctx, by, id, recovery.Contest); e == nil {
			st = now
		}
		h.wrong(w, r, h.objectVerifyForm(st, typed(r, "reason")), err)
		return
	}
	see(w, at("/appeal/object/verify", id))
}
