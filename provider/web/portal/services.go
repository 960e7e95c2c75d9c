package portal

import (
	"context"
	"net/http"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/client"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/web"
	"kejitong/templates"
)

const (
	servicesPath = "/me/services"
	grantsPath   = "/me/grants"
)

// Chooser remembers the unit that somebody wants to act for next.
type Chooser interface {
	ChooseUnit(ctx context.Context, key, unitID string) error
}

// Services is 服务事项 and 我的授权: what there is to enter, for whom, and by which
// right (R36). All fields must be set.
type Services struct {
	Issuer     string
	Clients    *client.Registry
	Systems    Catalogue
	Units      Chooser
	Asking     *entitlement.Asking
	Rights     *entitlement.Service
	Principals principal.Reader
	Clock      func() time.Time

	pages Pages
}

var _ Part = (*Services)(nil)

// Mount implements Part.
func (s *Services) Mount(p Pages) {
	s.pages = p
	p.In(servicesPath, s.show, s.enter)
	p.In(grantsPath, s.showGrants, s.withdrawAsk)
	p.In(askPath, s.showAsk, s.sendAsk)
	p.In(requestsPath, s.showRequests, s.decide)
}

// Links implements Part.
func (s *Services) Links(v *principal.Visit) []templates.Link {
	out := []templates.Link{
		{URL: servicesPath, Text: templates.T("services.title"), Hint: templates.T("services.link")},
		{URL: grantsPath, Text: templates.T("mygrants.title"), Hint: templates.T("mygrants.link")},
	}
	if len(ruled(v, s.Clock())) > 0 {
		out = append(out, templates.Link{URL: requestsPath, Text: templates.T("requests.title"), Hint: templates.T("requests.link")})
	}
	return out
}

var _ Urger = (*Services)(nil)

// Due implements Urger: somebody waits for the unit's word.
func (s *Services) Due(ctx context.Context, v *principal.Visit) ([]templates.Link, error) {
	list, err := s.toDecide(ctx, v)
	n := 0
	for _, q := range list {
		if q.State == entitlement.RequestOpen {
			n++
		}
	}
	if err != nil || n == 0 {
		return nil, err
	}
	return []templates.Link{{URL: requestsPath, Text: templates.T("requests.due", n), Main: true}}, nil
}

// stand is one of those for whom somebody may enter systems: the person, or a unit.
type stand struct {
	unit    *account.Unit // nil: for oneself
	mandate entitlement.Mandate
}

// stands are all of v's, oneself first.
func (s *Services) stands(v *principal.Visit) []stand {
	var out []stand
	if v.Principal.Account.Kind == account.NaturalPerson {
		out = append(out, stand{})
	}
	for _, m := range v.Principal.Units(s.Clock()) {
		out = append(out, stand{unit: &m.Unit, mandate: m})
	}
	return out
}

// show is GET /me/services.
func (s *Services) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	systems, starters, err := s.catalogue(r)
	if err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	}
	if came, err := s.Rights.CatchUp(r.Context(), v.Principal.Account, v.Principal.Unit, systems, v.Principal.Grants); err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	} else if came {
		see(w, servicesPath) // v was read before
		return
	}
	p := templates.Services{AccountType: string(v.Principal.Account.Kind), Verified: v.Principal.Account.RealName.Verified()}
	sources := []string{}
	for _, whom := range s.stands(v) {
		g := templates.ServiceGroup{ID: principal.Alone}
		if whom.unit != nil {
			g.ID, g.Unit = whom.unit.ID, &templates.Unit{
				ID: whom.unit.ID, Name: whom.unit.Name, USCC: string(whom.unit.USCC), Relation: string(whom.mandate.Relation), Until: whom.mandate.Until,
			}
		}
		for _, y := range systems {
			one := s.service(r, v, whom, y)
			if y.Closed && one.State != string(entitlement.Open) {
				continue // it takes nobody new
			}
			if at := s.entry(y, starters); at != "" && one.State == string(entitlement.Open) {
				one.Enter = true
				sources = append(sources, web.RedirectSources(at)...)
			}
			g.Services = append(g.Services, one)
		}
		slices.SortStableFunc(g.Services, func(a, b templates.Service) int { return b.Rank() - a.Rank() })
		p.Groups = append(p.Groups, g)
	}
	slices.Sort(sources)
	s.pages.Web.Show(w, r, http.StatusOK, p, as(v), web.FormAction(slices.Compact(sources)...))
}

func (s *Services) catalogue(r *http.Request) ([]entitlement.System, map[entitlement.SystemID]*client.Client, error) {
	systems, err := s.Systems.Systems(r.Context())
	if err != nil {
		return nil, nil, err
	}
	starters, err := s.Clients.Starters(r.Context())
	return systems, starters, err
}

// service is one system as it stands open to v for somebody.
func (s *Services) service(r *http.Request, v *principal.Visit, whom stand, y entitlement.System) templates.Service {
	now := s.Clock()
	one := templates.Service{
		ID: string(y.ID), System: templates.System{Name: y.Name(web.Locale(r.Context()) == templates.English), Owner: y.Owner},
		State: string(y.OpenTo(v.Principal.Account, whom.unit, v.Principal.Grants, now)), Level: y.Level,
	}
	unitID := ""
	if whom.unit != nil {
		unitID = whom.unit.ID
	}
	one.AskURL = askURL(v, unitID, y.ID, entitlement.Opening(one.State))
	held := entitlement.For(v.Principal.Grants, unitID, []entitlement.SystemID{y.ID}, true, now)
	for _, opened := range entitlement.Together(held) {
		one.Actions = opened.Actions
	}
	for _, g := range held {
		if !g.Until.IsZero() && (one.Until.IsZero() || g.Until.Before(one.Until)) {
			one.Until = g.Until
		}
		one.Migrated = one.Migrated || g.Source == entitlement.TorchMigration
	}
	return one
}

// entry is where y is entered: by a sign-in that its client starts, else at its own
// address; "" if nowhere.
func (s *Services) entry(y entitlement.System, starters map[entitlement.SystemID]*client.Client) string {
	if c := starters[y.ID]; c != nil {
		return c.LoginLink(s.Issuer, y.EntryURL)
	}
	return y.EntryURL
}

// enter is POST /me/services, 办理入口: the unit is noted as the one chosen last, so
// that it stands first where the sign-in asks, and the system starts the sign-in
// (OpenID Connect Core §4). What may be entered is decided there.
func (s *Services) enter(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	systems, starters, err := s.catalogue(r)
	if err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	}
	i := slices.IndexFunc(systems, func(y entitlement.System) bool { return string(y.ID) == r.PostForm.Get("enter") })
	unitID, at := r.PostForm.Get("org"), ""
	if i >= 0 {
		at = s.entry(systems[i], starters)
	}
	if unitID == principal.Alone {
		unitID = ""
	}
	if _, acts := v.Principal.ActsFor(unitID, s.Clock()); at == "" || unitID != "" && !acts {
		see(w, servicesPath)
		return
	}
	if err := s.Units.ChooseUnit(r.Context(), v.Session.Key, unitID); err != nil && !fault.Is(err, fault.Gone) {
		s.pages.Web.Fail(w, r, err)
		return
	}
	see(w, at)
}

// showGrants is GET /me/grants, 已获得的授权: every right with where it came from.
func (s *Services) showGrants(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	systems, err := s.Systems.Systems(r.Context())
	if err != nil {
		s.pages.Web.Fail(w, r, err)
		return
	}
	english, now := web.Locale(r.Context()) == templates.English, s.Clock()
	p := templates.MyGrants{AccountType: string(v.Principal.Account.Kind)}
	for _, g := range v.Principal.Grants {
		one := templates.MyGrant{
			System: string(g.System), Actions: g.Actions, Source: string(g.Source), State: string(g.Standing(now)), From: g.From, Until: g.Until,
		}
		for _, y := range systems {
			if y.ID == g.System {
				one.System, one.Owner = y.Name(english), y.Owner
			}
		}
		if g.UnitID != "" {
			m, acts := v.Principal.ActsFor(g.UnitID, now)
			one.Unit, one.Idle = s.unitName(v, g.UnitID), !acts
			if acts {
				one.Unit = m.Unit.Name
			}
		}
		p.Grants = append(p.Grants, one)
	}
	if v.Principal.Account.Kind == account.NaturalPerson {
		list, err := s.Asking.Of(r.Context(), v.Principal.Account.ID)
		if err == nil {
			p.Asked, err = s.asked(r, v, list, systems)
		}
		if err != nil {
			s.pages.Web.Fail(w, r, err)
			return
		}
		p.JustAsked = r.URL.Query().Get("asked") == "yes"
	}
	slices.SortStableFunc(p.Grants, func(a, b templates.MyGrant) int { return b.Rank() - a.Rank() })
	s.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// unitName is the name of a unit that v acts or acted for.
func (s *Services) unitName(v *principal.Visit, id string) string {
	for _, m := range v.Principal.Mandates {
		if m.Unit.ID == id {
			return m.Unit.Name
		}
	}
	if u := v.Principal.Unit; u != nil && u.ID == id {
		return u.Name
	}
	return ""
}
