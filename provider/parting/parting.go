// Package parting is what a browser still does after its session ended: it calls
// the front-channel logout address of every client that the session had opened
// (OpenID Connect Front-Channel Logout 1.0 §3), and then goes where it was going.
//
// Whoever ends a session begins a parting and sends the browser to its page.
// The page takes it: once, so that a reload signs nobody out again, and in that
// browser alone, so that nobody else learns which systems somebody used.
package parting

import (
	"context"
	"net/url"
	"time"

	"kejitong/provider/authflow"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/session"
)

// Path is the page that takes a parting.
const Path = "/logout/systems"

// life is how long a parting waits for its page, which follows at once.
const life = 2 * time.Minute

// told is how a parting that was taken is marked.
const told = "told"

// Service begins and takes partings. All fields must be set.
type Service struct {
	Flow    authflow.Store
	Clients *client.Registry
	Keys    func() *keys.Snapshot
	Now     func() time.Time
}

// Onward is where the browser goes afterwards. Empty, it is our own page that
// says that it is done.
type Onward struct {
	Client      string // whose post-logout address it is
	URI         string // the address, which whoever takes it holds against the registration
	State       string
	Locales     string // ui_locales of the request
	Switched    bool   // somebody else signed in meanwhile: it goes on with Interaction, or home
	Interaction string // the id of the parked authorization request
}

// Frame is one call to make.
type Frame struct {
	URI string // as registered
	SID string // the client's own session id
}

// Parting is what was taken.
type Parting struct {
	Frames []Frame // none if it was taken before
	Onward Onward
}

// Begin keeps what the browser (by the digest of its id) owes the clients of an
// ended session, and gives the address of the page that does it; "" if nobody
// is to be called.
func (s *Service) Begin(ctx context.Context, browser string, ended session.Ended, to Onward) (string, error) {
	form := url.Values{}
	for _, id := range ended.Clients {
		c, err := s.Clients.Find(ctx, id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if c.Metadata.FrontchannelLogoutURI != "" {
			form.Add("tell", id)
		}
	}
	if len(form) == 0 {
		return "", nil
	}
	for name, v := range map[string]string{
		"client_id": to.Client, "post_logout_redirect_uri": to.URI, "state": to.State, "ui_locales": to.Locales, "interaction": to.Interaction,
	} {
		if v != "" {
			form.Set(name, v)
		}
	}
	if to.Switched {
		form.Set("switched", "yes")
	}
	id, _, err := authflow.NewID()
	if err != nil {
		return "", err
	}
	now := s.Now()
	err = s.Flow.Park(ctx, authflow.Pending{Key: key(id), Form: form.Encode(), Browser: browser, Session: ended.ID, CreatedAt: now, ExpiresAt: now.Add(life)})
	if err != nil {
		return "", err
	}
	return Path + "?" + url.Values{"parting": {id}}.Encode(), nil
}

// Take gives the parting to its browser; fault.Gone if there is none or it has
// expired, fault.Refused if it is another browser's.
func (s *Service) Take(ctx context.Context, browser, id string) (Parting, error) {
	pd, err := s.Flow.Pending(ctx, key(id))
	if fault.Is(err, fault.NotFound) || err == nil && !s.Now().Before(pd.ExpiresAt) {
		return Parting{}, fault.New(fault.Gone, "the sign-out was finished before")
	}
	if err != nil {
		return Parting{}, err
	}
	if pd.Browser != browser {
		return Parting{}, fault.New(fault.Refused, "the sign-out is another browser's")
	}
	form, err := url.ParseQuery(pd.Form)
	if err != nil {
		return Parting{}, err
	}
	p := Parting{Onward: Onward{
		Client: form.Get("client_id"), URI: form.Get("post_logout_redirect_uri"), State: form.Get("state"), Locales: form.Get("ui_locales"),
		Switched: form.Has("switched"), Interaction: form.Get("interaction"),
	}}
	for _, id := range form["tell"] {
		c, err := s.Clients.Find(ctx, id)
		if fault.Is(err, fault.NotFound) || err == nil && c.Metadata.FrontchannelLogoutURI == "" {
			continue
		}
		if err != nil {
			return Parting{}, err
		}
		p.Frames = append(p.Frames, Frame{URI: c.Metadata.FrontchannelLogoutURI, SID: client.SID(s.Keys(), id, pd.Session)})
	}
	first, err := s.Flow.Finish(ctx, pd.Key, told)
	if err != nil {
		return Parting{}, err
	}
	if !first {
		p.Frames = nil
	}
	return p, nil
}

// Done is our own page that says that it is done, in the language of the
// request.
func (o Onward) Done() string {
	if o.Locales == "" {
		return "/logout/done"
	}
	return "/logout/done?" + url.Values{"ui_locales": {o.Locales}}.Encode()
}

// key is of another kind than those of parked requests, which stand in the same
// table, so that neither passes for the other.
func key(id string) string { return authflow.Key("parting|" + id) }
