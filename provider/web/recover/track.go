package recover

import (
	"errors"
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/fault"
	"kejitong/provider/recovery"
	"kejitong/templates"
)

func (h *Handler) trackForm(number string) form {
	f := form{page: templates.RecoverForm{
		Heading: templates.T("appeal.track.title"), Lead: templates.T("appeal.track.lead"), Submit: templates.T("appeal.track.submit"),
		Ways: []templates.RecoverLink{back("/forgot", "recover.other_way")},
	}}
	f.blank(templates.Blank{Field: "number", Label: templates.T("appeal.number"), Hint: templates.T("appeal.number_hint"), Value: number, Max: 40})
	f.blank(templates.Blank{Field: "secret", Label: templates.T("appeal.secret"), Hint: templates.T("appeal.secret_hint"), Max: 80})
	return f
}

func (h *Handler) showTrack(w http.ResponseWriter, r *http.Request) { h.show(w, r, h.trackForm("")) }

// track is POST /appeal/track. Whatever does not open an appeal is not found,
// alike (S58).
func (h *Handler) track(w http.ResponseWriter, r *http.Request) {
	id, err := h.Recovery.Open(r.Context(), h.asker(w, r), typed(r, "number"), typed(r, "secret"))
	var why *fault.Error
	if errors.As(err, &why) && why.Kind == fault.NotFound {
		f := h.trackForm(typed(r, "number"))
		f.status, f.page.Error = http.StatusNotFound, h.says(why)
		h.show(w, r, f)
		return
	}
	if err != nil {
		h.end(w, r, err)
		return
	}
	see(w, at("/appeal/progress", id))
}

// showProgress is GET /appeal/progress.
func (h *Handler) showProgress(w http.ResponseWriter, r *http.Request) {
	t, err := h.Recovery.Tracked(r.Context(), h.asker(w, r), flowOf(r))
	if err != nil {
		h.end(w, r, err)
		return
	}
	p := h.progress(t.Appeal)
	if t.Ready && t.Step != recovery.Done {
		p.RedeemURL = at("/appeal/redeem", flowOf(r))
		if t.Appeal.Kind.Aim() != recovery.ForPassword {
			p.RedeemURL = at("/appeal/claim", flowOf(r))
		}
	}
	h.Web.Show(w, r, http.StatusOK, p)
}

// progress is an appeal as those see it who are not the desk: no reviewer, and no
// reason but that of a rejection.
func (h *Handler) progress(a recovery.Appeal) templates.AppealProgress {
	p := templates.AppealProgress{
		Number: a.Number, Kind: string(a.Kind), State: string(a.State), DueAt: a.DueAt, ExpiresAt: a.ExpiresAt, Open: a.State.Open(), Aim: string(a.Kind.Aim()),
		Overdue: a.Overdue(h.Now()),
	}
	if a.State == recovery.Approved {
		p.Effective = a.EffectiveAt
	}
	for _, turn := range a.History {
		if turn.Deed == recovery.Concern {
			continue
		}
		line := templates.AppealTurn{At: turn.At, What: string(turn.Deed)}
		if turn.Deed == recovery.Reject {
			line.Reason = turn.Reason
		}
		p.Turns = append(p.Turns, line)
	}
	return p
}

// withdraw is POST /appeal/progress.
func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("withdraw") == "yes" {
		if err := h.Recovery.Withdraw(r.Context(), h.asker(w, r), flowOf(r)); err != nil {
			h.end(w, r, err)
			return
		}
	}
	see(w, at("/appeal/progress", flowOf(r)))
}

// redeemForm sets the password that an approved appeal opens the way to.
func (h *Handler) redeemForm(t recovery.Tracked) form {
	f := form{page: templates.RecoverForm{
		Heading: templates.T("appeal.redeem.title"), Lead: templates.T("appeal.redeem.lead"), Submit: templates.T("recover.reset.submit"),
		Facts: []templates.RecoverFact{
			{Label: templates.T("appeal.number"), Value: t.Appeal.Number, Code: true},
			{Label: templates.T("appeal.mobile"), Value: account.MaskMobile(t.Appeal.Claim.Mobile), Code: true},
		},
		Ways: []templates.RecoverLink{back("/appeal/track", "appeal.track_other")},
	}}
	if t.Step != recovery.Proved {
		f.page.Code = &templates.Code{}
	}
	if t.Step == recovery.Sent {
		f.page.Code.To = account.MaskMobile(t.Appeal.Claim.Mobile)
	}
	f.page.After = h.secrets()
	return f
}

// redeemable is the appeal whose password may be set now; where there is none, it
// has answered.
func (h *Handler) redeemable(w http.ResponseWriter, r *http.Request) (recovery.Tracked, bool) {
	t, err := h.Recovery.Tracked(r.Context(), h.asker(w, r), flowOf(r))
	switch {
	case err != nil:
		h.end(w, r, err)
	case t.Step == recovery.Done:
		see(w, doneOf(t.Appeal.Kind))
	case (t.Appeal.Kind.Aim() != recovery.ForPassword) != (r.URL.Path == "/appeal/claim"):
		h.end(w, r, fault.New(fault.Gone, recovery.MsgOver))
	case !t.Ready:
		h.end(w, r, fault.New(fault.Refused, recovery.MsgNotYet))
	default:
		return t, true
	}
	return t, false
}

// showRedeem is GET /appeal/redeem.
func (h *Handler) showRedeem(w http.ResponseWriter, r *http.Request) {
	if t, ok := h.redeemable(w, r); ok {
		h.show(w, r, h.redeemForm(t))
	}
}

// redeem is POST /appeal/redeem: a wish for a code, or the new password.
func (h *Handler) redeem(w http.ResponseWriter, r *http.Request) {
	t, ok := h.redeemable(w, r)
	if !ok {
		return
	}
	ctx, by, id := r.Context(), h.asker(w, r), flowOf(r)
	f := h.redeemForm(t)
	if asksCode(r) && t.Step != recovery.Proved {
		if _, err := h.Recovery.SendRedeemCode(ctx, by, id); err != nil {
			h.wrong(w, r, f, err)
			return
		}
		see(w, at("/appeal/redeem", id))
		return
	}
	err := unequal(r)
	if err == nil {
		err = h.Recovery.RedeemAppeal(ctx, by, id, answer(r))
	}
	if err != nil {
		if now, e := h.Recovery.Tracked(ctx, by, id); e == nil && now.Step != t.Step {
			f = h.redeemForm(now)
		}
		h.wrong(w, r, f, err)
		return
	}
	see(w, doneOf(t.Appeal.Kind))
}
