package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

const (
	askPath      = "/me/services/ask"
	requestsPath = "/me/unit/requests"
)

// askURL is where v asks for y, "" where asking leads nowhere.
func askURL(v *principal.Visit, unitID string, y entitlement.SystemID, state entitlement.Opening) string {
	a := v.Principal.Account
	if a.Kind != account.NaturalPerson || !a.RealName.Verified() || unitID == "" || state != entitlement.GrantMissing && state != entitlement.GrantEnded {
		return ""
	}
	return askPath + "?" + url.Values{"org": {unitID}, "system": {string(y)}}.Encode()
}

// showAsk is GET /me/services/ask: for which unit, what, and who will decide.
func (s *Services) showAsk(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	s.ask(w, r, v, http.StatusOK, r.URL.Query(), templates.Text{})
}

// sendAsk is POST /me/services/ask.
func (s *Services) sendAsk(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f := r.PostForm
	if f.Get("again") == "yes" { // another unit was chosen: its actions are shown
		see(w, askPath+"?"+url.Values{"org": {f.Get("org")}, "system": {f.Get("system")}}.Encode())
		return
	}
	err := s.Asking.Ask(r.Context(), v.Principal.Account, f.Get("org"), entitlement.SystemID(f.Get("system")), f["action"])
	var e *fault.Error
	switch {
	case err == nil:
		see(w, grantsPath+"?asked=yes")
	case errors.As(err, &e) && e.Msg != "" && (e.Kind == fault.Invalid || e.Kind == fault.Conflict || e.Kind == fault.Throttled || e.Kind == fault.Refused && e.Msg == entitlement.MsgAskNotHeld):
		s.ask(w, r, v, statusFor(e.Kind), f, templates.Text{Key: e.Msg})
	default:
		s.pages.Web.Fail(w, r, err)
	}
}

func (s *Services) ask(w http.ResponseWriter, r *http.Request, v *principal.Visit, status int, f url.Values, why templates.Text) {
	systems, err := s.Systems.Systems(r.Context())
	if err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	}
	i := slices.IndexFunc(systems, func(y entitlement.System) bool { return string(y.ID) == f.Get("system") })
	if i < 0 || v.Principal.Account.Kind != account.NaturalPerson {
		see(w, servicesPath)
		return
	}
	p := templates.Ask{System: systems[i].Name(web.Locale(r.Context()) == templates.English), Owner: systems[i].Owner, Code: f.Get("system"), Error: why}
	for _, m := range v.Principal.Units(s.Clock()) {
		u := templates.Unit{ID: m.Unit.ID, Name: m.Unit.Name, USCC: string(m.Unit.USCC), Relation: string(m.Relation), Last: m.Unit.ID == f.Get("org")}
		p.Units = append(p.Units, u)
	}
	if len(p.Units) > 0 && !slices.ContainsFunc(p.Units, func(u templates.Unit) bool { return u.Last }) {
		p.Units[0].Last = true
	}
	for _, u := range p.Units {
		if !u.Last {
			continue
		}
		offered, err := s.Asking.Offered(r.Context(), u.ID, systems[i].ID)
		if err != nil {
			s.pages.Web.Fail(w, r, err)
			return
		}
		for _, a := range offered {
			p.Actions = append(p.Actions, templates.Tick{Value: a, On: f["action"] == nil || slices.Contains(f["action"], a)})
		}
	}
	s.pages.Web.Show(w, r, status, p, as(v))
}

// withdrawAsk is POST /me/grants.
func (s *Services) withdrawAsk(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	err := s.Asking.Withdraw(r.Context(), v.Principal.Account.ID, r.PostForm.Get("withdraw"))
	if err != nil && !fault.Is(err, fault.Conflict) { // decided meanwhile: the page says how
		s.pages.Web.Fail(w, r, err)
		return
	}
	see(w, grantsPath)
}

// asked are what requests look like to the one who sees them.
func (s *Services) asked(r *http.Request, v *principal.Visit, list []entitlement.Request, systems []entitlement.System) ([]templates.Request, error) {
	english := web.Locale(r.Context()) == templates.English
	var out []templates.Request
	names := map[account.ID]principal.Principal{}
	for _, q := range list {
		one := templates.Request{
			ID: q.ID, System: string(q.System), Unit: s.unitName(v, q.UnitID), State: string(q.State), AskedAt: q.AskedAt, DecidedAt: q.DecidedAt,
		}
		for _, a := range q.Actions {
			one.Actions = append(one.Actions, templates.Tick{Value: a, On: true})
		}
		for _, y := range systems {
			if y.ID == q.System {
				one.System = y.Name(english)
			}
		}
		if q.Account != v.Principal.Account.ID {
			who, known := names[q.Account]
			if !known {
				var err error
				if who, err = s.Principals.ByAccount(r.Context(), q.Account); err != nil {
					return nil, err
				}
				names[q.Account] = who
			}
			one.Person, one.Login = visitor.Name(who), visitor.LoginName(who.Account)
		}
		out = append(out, one)
	}
	return out, nil
}

// toDecide are the requests to the units for which v decides.
func (s *Services) toDecide(ctx context.Context, v *principal.Visit) ([]entitlement.Request, error) {
	var out []entitlement.Request
	for _, m := range ruled(v, s.Clock()) {
		list, err := s.Asking.To(ctx, v.Principal.Account.ID, m.Unit.ID)
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			if q.Account != v.Principal.Account.ID {
				out = append(out, q)
			}
		}
	}
	return out, nil
}

// showRequests is GET /me/unit/requests: who asks for what.
func (s *Services) showRequests(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	s.requests(w, r, v, http.StatusOK, templates.Text{})
}

func (s *Services) requests(w http.ResponseWriter, r *http.Request, v *principal.Visit, status int, why templates.Text) {
	list, err := s.toDecide(r.Context(), v)
	var systems []entitlement.System
	if err == nil {
		systems, err = s.Systems.Systems(r.Context())
	}
	p := templates.Requests{Error: why, Terms: []int{30, 90, 365}}
	if err == nil {
		var all []templates.Request
		all, err = s.asked(r, v, list, systems)
		for _, q := range all {
			if q.State == string(entitlement.RequestOpen) {
				p.Open = append(p.Open, q)
			} else {
				p.Done = append(p.Done, q)
			}
		}
	}
	if err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	}
	s.pages.Web.Show(w, r, status, p, as(v))
}

// decide is POST /me/unit/requests.
func (s *Services) decide(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f, by := r.PostForm, v.Principal.Account.ID
	var err error
	if id := f.Get("decline"); id != "" {
		err = s.Asking.Decline(r.Context(), by, id)
	} else {
		days, bad := strconv.Atoi(f.Get("days"))
		if bad != nil || days < 1 {
			days = 30
		}
		err = s.Asking.Grant(r.Context(), by, f.Get("grant"), f["action"], time.Duration(min(days, 366))*24*time.Hour)
	}
	var e *fault.Error
	switch {
	case err == nil:
		see(w, requestsPath)
	case fault.Is(err, fault.Conflict):
		s.requests(w, r, v, http.StatusConflict, templates.T("requests.error.decided"))
	case errors.As(err, &e) && e.Msg == entitlement.MsgAskNotHeld:
		s.requests(w, r, v, http.StatusForbidden, templates.T("requests.error.not_held"))
	default:
		s.pages.Web.Fail(w, r, err)
	}
}
