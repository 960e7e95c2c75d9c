package recover

import (
	"errors"
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

// evidence is the page of documents and reason, or where the flow is instead.
func (h *Handler) evidence(w http.ResponseWriter, r *http.Request) (templates.RecoverEvidence, bool) {
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	st, err := h.Recovery.Stands(ctx, by, id, recovery.Filings()...)
	if err != nil {
		h.end(w, r, err)
		return templates.RecoverEvidence{}, false
	}
	if st.Step != recovery.Proved {
		h.goOn(w, r, st.Step)
		return templates.RecoverEvidence{}, false
	}
	caseID, err := h.Recovery.MayAttach(ctx, by, id)
	if err != nil {
		h.end(w, r, err)
		return templates.RecoverEvidence{}, false
	}
	all, err := h.Documents.List(ctx, caseID)
	if err != nil {
		h.Web.Fail(w, r, err)
		return templates.RecoverEvidence{}, false
	}
	return papers(st, all, at("/appeal/evidence/file", id)), true
}

// papers lists what is needed and what is there.
func papers(st recovery.Standing, all []document.Document, upload string) templates.RecoverEvidence {
	kind := st.Way.Kind()
	roles := []document.Kind{document.IDFront, document.IDBack, document.Other}
	if kind.Of() == account.LegalEntity {
		roles = []document.Kind{document.Licence, document.IDFront, document.IDBack, document.Authorisation, document.ChangeCertificate, document.Other}
	}
	p := templates.RecoverEvidence{Upload: upload, Unit: kind.Of() == account.LegalEntity, Aim: string(kind.Aim())}
	needed := map[document.Kind]bool{}
	for _, k := range st.Claim.Required(kind) {
		needed[k] = true
	}
	there := map[document.Kind]bool{}
	for _, d := range all {
		there[d.Kind] = there[d.Kind] || d.Scan != document.Quarantined
		p.Papers = append(p.Papers, templates.Paper{ID: d.ID, Role: string(d.Kind), Attached: true, Needed: needed[d.Kind], Scan: string(d.Scan)})
	}
	for _, k := range st.Claim.Required(kind) {
		if !there[k] {
			p.Papers = append(p.Papers, templates.Paper{Role: string(k), Needed: true})
		}
	}
	for _, k := range roles { // what is missing stands first
		if needed[k] && !there[k] {
			p.Roles = append(p.Roles, string(k))
		}
	}
	for _, k := range roles {
		if !needed[k] || there[k] {
			p.Roles = append(p.Roles, string(k))
		}
	}
	return p
}

// showEvidence is GET /appeal/evidence.
func (h *Handler) showEvidence(w http.ResponseWriter, r *http.Request) {
	if p, ok := h.evidence(w, r); ok {
		h.Web.Show(w, r, http.StatusOK, p)
	}
}

// submit is POST /appeal/evidence: file the appeal, or take a document away.
func (h *Handler) submit(w http.ResponseWriter, r *http.Request) {
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	if paper := r.PostForm.Get("remove"); paper != "" {
		h.remove(w, r, paper)
		return
	}
	_, err := h.Recovery.Submit(ctx, by, id, typed(r, "reason"))
	var why *fault.Error
	switch {
	case err == nil:
		see(w, at("/appeal/filed", id))
	case errors.As(err, &why) && (why.Kind == fault.Invalid || why.Kind == fault.Conflict && why.Field == "mobile"):
		p, ok := h.evidence(w, r)
		if !ok {
			return
		}
		p.Reason = typed(r, "reason")
		if why.Field == "reason" {
			p.ReasonError = h.says(why)
		} else {
			p.Error = h.says(why)
		}
		h.Web.Show(w, r, http.StatusOK, p)
	default:
		h.end(w, r, err)
	}
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request, paper string) {
	ctx := r.Context()
	caseID, err := h.Recovery.MayAttach(ctx, h.asker(w, r), flowOf(r))
	if err == nil {
		err = h.Documents.Erase(ctx, paper, caseID, caseID, audit.From(ctx, audit.Event{Actor: caseID}))
		if fault.Is(err, fault.NotFound) { // clicked twice
			err = nil
		}
	}
	if err != nil {
		h.end(w, r, err)
		return
	}
	see(w, at("/appeal/evidence", flowOf(r)))
}

// showFiled is GET /appeal/filed: number and secret, for the browser that filed
// it alone.
func (h *Handler) showFiled(w http.ResponseWriter, r *http.Request) {
	rc, err := h.Recovery.Receipt(r.Context(), h.asker(w, r), flowOf(r))
	if err != nil {
		h.end(w, r, err)
		return
	}
	after := templates.T("appeal.filed.after")
	if rc.Aim != recovery.ForPassword {
		after = templates.Text{Key: "appeal." + string(rc.Aim) + ".filed_after"}
	}
	h.Web.Show(w, r, http.StatusOK, templates.RecoverDone{
		Heading: templates.T("appeal.filed.title"), Lead: templates.T("appeal.filed.lead"),
		Facts: []templates.RecoverFact{
			{Label: templates.T("appeal.number"), Value: rc.Number, Code: true}, {Label: templates.T("appeal.secret"), Value: rc.Secret, Code: true},
		},
		Points: []templates.Text{templates.T("appeal.filed.keep"), templates.T("appeal.filed.review"), after},
		Link:   templates.RecoverLink{URL: "/appeal/track", Label: templates.T("recover.forgot.track")},
		Ways:   []templates.RecoverLink{back("/", "recover.home")},
	})
}
