package interact

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/authflow"
	"kejitong/provider/credential"
	"kejitong/provider/device"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Tries of user codes that a window allows, right ones included, so that
// nobody's own code buys further guesses. With a thousand live codes among
// 2.5e10, an address that uses all of its tries finds one in ten thousand days
// of trying (RFC 8628 §5.1).
const (
	tryWindow       = 15 * time.Minute
	triesByAddress  = 30
	triesByWhoTries = 10 // one session, or one browser that nobody signed in with
)

// showDevice is GET /device. A code in the address (verification_uri_complete,
// RFC 8628 §3.3.1) is filled in and no more: a link decides nothing.
func (h *Handler) showDevice(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("user_code")
	code, ok := device.ReadUserCode(typed)
	if !ok {
		code = ""
	}
	h.Web.Show(w, r, http.StatusOK, templates.Device{Code: code})
}

// enterDevice is POST /device: a right code parks what the device asked for, and
// from there on it is a sign-in like any other, which the authorization endpoint
// leads.
func (h *Handler) enterDevice(w http.ResponseWriter, r *http.Request) {
	ctx, typed := r.Context(), r.PostForm.Get("user_code")
	until, err := h.mayTry(w, r)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	if !until.IsZero() {
		h.tooManyCodes(w, r, until)
		return
	}
	unknown := func() {
		h.Web.Show(w, r, http.StatusOK, templates.Device{Code: shown(typed), Error: templates.T("device.error.unknown")})
	}
	code, ok := device.ReadUserCode(typed)
	if !ok {
		unknown()
		return
	}
	d, err := h.Devices.Device(ctx, device.Key(code))
	if fault.Is(err, fault.NotFound) || err == nil && (d.State != device.Pending || !h.Now().Before(d.ExpiresAt)) {
		unknown()
		return
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	id, err := h.parkDevice(ctx, h.Web.Browser(w, r), code, d)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	see(w, "/oauth2/authorize?"+url.Values{"interaction": {id}}.Encode())
}

// mayTry counts the try for the address and for the session or browser, and
// gives the time until which no more are taken, zero if this one is.
func (h *Handler) mayTry(w http.ResponseWriter, r *http.Request) (time.Time, error) {
	who := h.Web.Browser(w, r)
	v, err := h.Visitors.Of(r, "")
	if err != nil {
		return time.Time{}, err
	}
	if v != nil {
		who = v.Session.ID
	}
	for _, c := range []struct {
		purpose, text string
		limit         int
	}{
		{"device code by address", credential.Network(web.ClientIP(r.Context())), triesByAddress},
		{"device code by session", who, triesByWhoTries},
	} {
		key := base64.RawURLEncoding.EncodeToString(h.Keys().MAC(keys.Throttle, c.purpose, c.text))
		n, end, err := h.Devices.CountTry(r.Context(), key, tryWindow, h.Now())
		if err != nil {
			return time.Time{}, err
		}
		if n > c.limit {
			return end, nil
		}
	}
	return time.Time{}, nil
}

func (h *Handler) tooManyCodes(w http.ResponseWriter, r *http.Request, until time.Time) {
	ctx := r.Context()
	if err := h.Audit.Record(ctx, audit.From(ctx, audit.Event{Kind: audit.DeviceThrottled, Result: "refused"})); err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	wait := until.Sub(h.Now())
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	minutes := int((wait + time.Minute - 1) / time.Minute)
	h.Web.Show(w, r, http.StatusTooManyRequests, templates.Device{Error: templates.T("device.error.throttled", minutes)})
}

// parkDevice makes an interaction of this browser out of a device's request. It
// lives no longer than the code.
func (h *Handler) parkDevice(ctx context.Context, browser, code string, d device.Request) (string, error) {
	form, err := url.ParseQuery(d.Form)
	if err != nil {
		return "", err
	}
	form.Set("client_id", d.Client)
	form.Set("response_type", "device") // no authorization request has this one
	form.Set("device", d.Key)
	form.Set("user_code", code)
	id, key, err := authflow.NewID()
	if err != nil {
		return "", err
	}
	return id, h.Flow.Park(ctx, authflow.Pending{
		Key: key, Client: d.Client, Form: form.Encode(), Browser: authflow.Key(browser), CreatedAt: h.Now(), ExpiresAt: d.ExpiresAt,
	})
}

// showDeviceDone is GET /device/done.
func (h *Handler) showDeviceDone(w http.ResponseWriter, r *http.Request) {
	h.Web.Show(w, r, http.StatusOK, templates.DeviceDone{Allowed: r.URL.Query().Get("result") == "allowed"})
}
