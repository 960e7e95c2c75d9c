package interact

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// reasons are those that the authorization endpoint gives.
var reasons = []authflow.Reason{
	authflow.NotVerified, authflow.LevelTooLow, authflow.WrongAccountType, authflow.NotEntitled, authflow.ACRUnmet, authflow.UnitUnknown,
	authflow.SandboxOnly, authflow.TestAccount,
}

// reasonOf is the reason in the address. It only picks the words: what keeps
// the gate shut is decided at the authorization endpoint each time.
func reasonOf(r *http.Request) (authflow.Reason, bool) {
	why := authflow.Reason(r.URL.Query().Get("reason"))
	return why, slices.Contains(reasons, why)
}

// showRefused is GET /refused: why, who can change it, and the ways on.
func (h *Handler) showRefused(w http.ResponseWriter, r *http.Request, s *step) {
	why, ok := reasonOf(r)
	if s.visit == nil || !ok {
		h.back(w, s) // which knows the reason
		return
	}
	who := s.visit.Principal
	if why == authflow.NotEntitled && h.Rights != nil {
		came := false
		systems, err := h.Systems.Systems(r.Context())
		if err == nil {
			came, err = h.Rights.CatchUp(r.Context(), who.Account, who.Unit, systems, who.Grants)
		}
		if err != nil {
			h.Web.Fail(w, r, err)
			return
		}
		if came {
			h.back(w, s)
			return
		}
	}
	p := templates.Refused{
		Asks: s.asks(), Kind: string(why), Person: visitor.Name(who), AccountType: string(who.Account.Kind),
		Level: who.Account.RealName.Level, NeedLevel: s.client.Metadata.Level(),
		CanSwitch: true, CanGoBack: true, Hidden: s.hidden(),
	}
	p.StartURL = s.client.LoginLink(h.Issuer, "") // what was missing may have come meanwhile
	if why == authflow.NotVerified {              // and back again (R40)
		p.StepURL = "/me/realname/status?" + url.Values{"next": {s.returns()}}.Encode()
	}
	if why == authflow.NotVerified && who.Account.Sandbox != "" {
		p.StepURL, p.Test = "", true
	}
	if need := s.client.Metadata.RequiredAccountTypes; len(need) > 0 {
		p.NeedType = string(need[0])
	}
	if unit := h.standing(s); unit != nil && who.Account.Kind == account.NaturalPerson {
		p.Unit = unit.Unit.Name
	}
	if units := who.Units(h.Now()); why == authflow.NotEntitled && who.Account.Kind == account.NaturalPerson && len(units) > 0 && len(s.client.Metadata.BusinessSystems) > 0 {
		at := url.Values{"system": {string(s.client.Metadata.BusinessSystems[0])}, "org": {units[0].Unit.ID}}
		if unit := h.standing(s); unit != nil {
			at.Set("org", unit.Unit.ID)
		}
		p.StepURL = "/me/services/ask?" + at.Encode()
	}
	hint := strings.ToUpper(strings.TrimSpace(s.form.Get("org_hint")))
	if why == authflow.NotEntitled || why == authflow.UnitUnknown {
		p.Ended, p.EndedAt = lost(who, s.client.Metadata.BusinessSystems, hint, h.Now())
	}
	if why == authflow.UnitUnknown {
		// To have no mandate for the unit named is to have no permission for it;
		// whether the unit exists is not told.
		p.Kind, p.Unit = templates.NotEntitled, shown(strings.TrimSpace(s.form.Get("org_hint")))
	}
	if err := h.auditRefusal(w, r, s, why); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, p, s.options()...)
}

// lost gives the unit for which who could enter one of the systems until now or a
// while ago, the latest; with a hint, only the unit of that USCC.
func lost(who principal.Principal, systems []entitlement.SystemID, hint string, now time.Time) (unit string, at time.Time) {
	for _, g := range who.Grants {
		if !g.State.Over() || !slices.Contains(systems, g.System) || now.Before(g.Until) || !g.Until.After(at) {
			continue
		}
		for _, m := range who.Mandates {
			if m.Unit.ID == g.UnitID && (hint == "" || string(m.Unit.USCC) == hint) {
				unit, at = m.Unit.Name, g.Until
			}
		}
	}
	return unit, at
}

// refusedCookie marks the refusal that this browser saw last, so that a reload
// of the page is not recorded as another refusal.
const refusedCookie = "kejitong_refused"

// auditRefusal records the refusal when it is first shown.
func (h *Handler) auditRefusal(w http.ResponseWriter, r *http.Request, s *step, why authflow.Reason) error {
	who := string(s.visit.Principal.Account.ID)
	mac := h.Keys().MAC(keys.Form, "refused", s.pd.Key, who, string(why))
	mark := base64.RawURLEncoding.EncodeToString(mac[:16])
	if seen, _ := h.Web.Cookie(r, refusedCookie); seen == mark {
		return nil
	}
	ctx := r.Context()
	err := h.Audit.Record(ctx, audit.From(ctx, audit.Event{
		Kind: audit.EntryRefused, Actor: who, Object: s.client.ID, Client: s.client.ID, Result: "refused", Detail: string(why),
	}))
	if err == nil {
		h.Web.SetCookie(w, refusedCookie, mark, 0)
	}
	return err
}

// leaveRefused is POST /refused.
func (h *Handler) leaveRefused(w http.ResponseWriter, r *http.Request, s *step) {
	switch {
	case cancelled(r):
		why, ok := reasonOf(r)
		if !ok {
			why = gaveUp
		}
		h.decline(w, r, s, string(why))
	case r.PostForm.Get("account") == "other":
		see(w, s.other())
	case r.PostForm.Get("verify") == "test" && s.visit != nil && h.Tests != nil:
		h.verifyTest(w, r, s)
	default:
		h.back(w, s)
	}
}

// verifyTest lets a test account pass the real-name verification and goes on.
func (h *Handler) verifyTest(w http.ResponseWriter, r *http.Request, s *step) {
	err := h.Tests.VerifyTest(r.Context(), s.visit.Principal.Account.ID)
	var why *fault.Error
	if errors.As(err, &why) && why.Kind == fault.Conflict && why.Msg != "" {
		h.Web.Problem(w, r, http.StatusConflict, templates.T(why.Msg))
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	h.back(w, s)
}
