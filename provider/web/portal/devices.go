package portal

import (
	"net/http"

	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/web"
	"kejitong/templates"
)

// living are the account's sessions that still let it in.
func (s *Security) living(r *http.Request, v *principal.Visit) ([]session.Session, error) {
	all, err := s.Sessions.Store.SessionsOf(r.Context(), v.Principal.Account.ID, s.Now())
	if err != nil {
		return nil, err
	}
	var out []session.Session
	for _, sn := range all {
		if sn.Live(s.Sessions.Limits, s.Now()) {
			out = append(out, sn)
		}
	}
	return out, nil
}

// showDevices is GET /me/devices.
func (s *Security) showDevices(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	sessions, err := s.living(r, v)
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	var p templates.Devices
	if r.URL.Query().Get("done") == "ended" {
		p.Notice = templates.T("devices.notice.ended")
	}
	for _, sn := range sessions {
		system, browser := web.Device(sn.UserAgent)
		p.Sessions = append(p.Sessions, templates.DeviceSession{
			ID: sn.ID, System: system, Browser: browser, Address: sn.IP, Since: sn.AuthTime, SeenAt: sn.SeenAt, Shared: sn.Shared,
			Current: sn.ID == v.Session.ID, Strength: strength(sn.ACR),
		})
	}
	s.Web.Show(w, r, http.StatusOK, p, as(v))
}

func strength(acr string) string {
	switch acr {
	case session.ACRSecond:
		return "second"
	case session.ACRStrong:
		return "strong"
	}
	return "password"
}

// endSessions is POST /me/devices: one session of the account's own, or all
// others.
func (s *Security) endSessions(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx := r.Context()
	err := error(nil)
	if r.PostForm.Get("others") == "yes" {
		err = s.endOthers(ctx, r, v, "everywhere")
	} else {
		err = s.endOne(r, v, r.PostForm.Get("session"))
	}
	if err != nil {
		s.Web.Fail(w, r, err)
		return
	}
	s.Outbox.Wake()
	see(w, "/me/devices?done=ended")
}

func (s *Security) endOne(r *http.Request, v *principal.Visit, id string) error {
	sessions, err := s.living(r, v)
	if err != nil {
		return err
	}
	for _, sn := range sessions {
		if sn.ID == id && id != v.Session.ID {
			ev := event(r, v, audit.SessionEnded)
			ev.Detail = "by_owner"
			_, err := s.Sessions.Store.EndSessions(r.Context(), session.Which{ID: id}, s.Now(), ev)
			return err
		}
	}
	return fault.New(fault.NotFound, "no such session") // S79: neither somebody else's
}
