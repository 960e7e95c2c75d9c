package oidc

import (
	"context"
	"net/http"
	"net/url"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/device"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/templates"
)

// deviceParams are the parameters of a device authorization request that mean
// something here (RFC 8628 §3.1, RFC 8707 §2, RFC 9396 §4, and our own).
var deviceParams = []string{"scope", "resource", "authorization_details", "org_hint"}

// deviceParam names, in a parked request, the device that it is about. It is no
// parameter of an authorization request, so no client can park such a one.
const deviceParam = "device"

// startDevice is the device authorization endpoint (RFC 8628 §3.1).
func (p *Provider) startDevice(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r, maxTokenBody); err != nil {
		p.refuse(w, r, err)
		return
	}
	c, err := p.identify(r.Context(), r, r.PostForm)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	form := only(r.PostForm, deviceParams)
	if _, err := p.examineDevice(c, form); err != nil {
		p.refuse(w, r, blame(c, err))
		return
	}
	answer, err := p.openDevice(r.Context(), c, form)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	sendJSON(w, http.StatusOK, answer) // §3.2
}

// examineDevice checks what a device asks for. The same checks run again when
// its user comes.
func (p *Provider) examineDevice(c *client.Client, form url.Values) (*asked, error) {
	if !c.May(client.GrantDevice) || c.Metadata.FAPI() {
		return nil, oauthError{"unauthorized_client", http.StatusBadRequest, "the client is not registered for this grant"}
	}
	// Whoever set the device up may be far from who is asked: the page is always
	// shown (RFC 8628 §5.4), to users of first-party clients, too.
	a := &asked{form: form, client: c, device: form.Get(deviceParam), prompt: []string{"consent"}, maxAge: c.Metadata.DefaultMaxAge}
	a.scopes = consent.Requested(c.Metadata.Scope, form.Get("scope"), c.May(client.GrantRefresh))
	if err := a.checkResources(); err != nil {
		return a, err
	}
	return a, a.checkDetails()
}

// openDevice makes the two codes. A user code is short, so that it may be taken.
func (p *Provider) openDevice(ctx context.Context, c *client.Client, form url.Values) (map[string]any, error) {
	for range 5 {
		code, key, err := device.NewDeviceCode()
		if err != nil {
			return nil, err
		}
		user, err := device.NewUserCode()
		if err != nil {
			return nil, err
		}
		now := p.Now()
		made, err := p.Devices.OpenDevice(ctx, device.Request{
			Key: key, UserKey: device.Key(user), Client: c.ID, Form: form.Encode(), CreatedAt: now, ExpiresAt: now.Add(device.Life), Interval: device.Interval,
		})
		if err != nil {
			return nil, err
		}
		if made {
			return map[string]any{
				"device_code": code, "user_code": user, "verification_uri": p.Issuer + "/device",
				"verification_uri_complete": p.Issuer + "/device?" + url.Values{"user_code": {user}}.Encode(),
				"expires_in":                int(device.Life.Seconds()), "interval": int(device.Interval.Seconds()),
			}, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "no user code is free")
}

// askedByDevice gives the request of a device that was parked when its user
// typed the code.
func (p *Provider) askedByDevice(ctx context.Context, form url.Values) (*asked, error) {
	c, err := p.Clients.Find(ctx, form.Get("client_id"))
	if fault.Is(err, fault.NotFound) {
		return nil, localError{"unknown or disabled client"}
	}
	if err != nil {
		return nil, err
	}
	a, err := p.examineDevice(c, form)
	if a == nil {
		return nil, localError{"client without the device grant"}
	}
	return a, err
}

// allowDevice makes the grant that the device will fetch, and says so to its
// user: nothing is sent anywhere.
func (p *Provider) allowDevice(w http.ResponseWriter, r *http.Request, a *asked, v *principal.Visit, pd *parked, unitID string) {
	g, err := p.newGrant(a, v, pd, unitID)
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	now, ctx := p.Now(), r.Context()
	g.CodeExp = now.Add(device.Life) // the device code's own life decides
	won, err := p.Devices.AllowDevice(ctx, a.device, pd.Key, g, now.Add(device.Linger), audit.From(ctx, audit.Event{
		Kind: audit.DeviceAllowed, Actor: string(g.Account), Object: g.ID, Client: g.Client,
	}))
	if err != nil {
		p.answerError(w, r, a, err)
		return
	}
	if !won {
		again, err := p.Flow.Pending(ctx, pd.Key)
		if err != nil || again.GrantID == "" { // expired, or decided in another browser
			p.Web.Problem(w, r, http.StatusGone, templates.T("problem.expired"))
			return
		}
	}
	deviceDone(w, "allowed")
}

// refuseDevice ends what a device asked for; the device learns access_denied.
func (p *Provider) refuseDevice(w http.ResponseWriter, r *http.Request, a *asked, why string) {
	ctx := r.Context()
	_, err := p.Devices.RefuseDevice(ctx, a.device, audit.From(ctx, audit.Event{
		Kind: audit.DeviceRefused, Object: a.client.ID, Client: a.client.ID, Result: "refused", Detail: why,
	}))
	if err != nil {
		p.Web.Fail(w, r, err)
		return
	}
	deviceDone(w, "refused")
}

// deviceDone sends the browser to the page that says what became of it. 303, so
// that nothing posted is posted again.
func deviceDone(w http.ResponseWriter, result string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", "/device/done?"+url.Values{"result": {result}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}
