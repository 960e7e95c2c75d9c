package lookup

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/torch"
	"kejitong/provider/web"
	"kejitong/templates"
)

// Counter counts tries within a window, in the database.
type Counter interface {
	CountTry(ctx context.Context, key string, window time.Duration, now time.Time) (n int, end time.Time, err error)
}

// Look-ups that an address may make in a window, right captchas or wrong ones.
const (
	window = 15 * time.Minute
	limit  = 60
)

// count counts a look-up for the address; fault.Throttled beyond the limit.
func (h *Handler) count(ctx context.Context, ip string) error {
	key := base64.RawURLEncoding.EncodeToString(h.Keys().MAC(keys.Throttle, "look-up by address", credential.Network(ip)))
	n, end, err := h.Counter.CountTry(ctx, key, window, h.Now())
	if err != nil || n <= limit {
		return err
	}
	return &fault.Error{Kind: fault.Throttled, Msg: "lookup.throttled", RetryAfter: end.Sub(h.Now())}
}

// The JSON interface, for the former platform's own pages. A client without our
// cookies carries what the browser's id does on the pages: session, which
// /challenge gives.
type apiRequest struct {
	Session   string `json:"session"`
	CaptchaID string `json:"captcha_id"`
	Captcha   string `json:"captcha"`
	USCC      string `json:"uscc"`
	Mobile    string `json:"mobile"`
	Code      string `json:"code"`
}

// apiAnswer is what /lookup answers.
type apiAnswer struct {
	Outcome         string `json:"outcome"`
	Text            string `json:"text"` // in the asker's language
	LoginName       string `json:"login_name,omitempty"`
	Masked          bool   `json:"login_name_masked,omitempty"`
	Window          string `json:"window,omitempty"` // natural_person or legal_entity
	PasswordKept    bool   `json:"password_kept"`
	PasswordChanged bool   `json:"password_changed"`
	LastUsed        string `json:"last_used,omitempty"` // the day in Beijing; absent if never, or not known
	Suffixed        bool   `json:"suffixed,omitempty"`
	Test            bool   `json:"test,omitempty"` // a key of a sandbox, which nobody real has
	Next            string `json:"next"`           // path of the page that helps on
}

const maxAPI = 4 << 10

var beijing = time.FixedZone("UTC+8", 8*60*60)

// read takes a request; it answers itself and is false for one that is none.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (q apiRequest, ok bool) {
	r.Header.Set("Accept", "application/json") // errors are JSON, too
	d := json.NewDecoder(io.LimitReader(r.Body, maxAPI))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		h.Web.Fail(w, r, fault.Wrap(fault.Invalid, err, "the body is no JSON object of known members"))
		return q, false
	}
	return q, true
}

// session accepts what newSession makes.
func session(s string) (string, error) {
	if b, err := base64.RawURLEncoding.Strict().DecodeString(s); err != nil || len(b) != 16 {
		return "", &fault.Error{Kind: fault.Invalid, Field: "session", Msg: "session is not one of /api/v1/torch/challenge"}
	}
	return "api " + s, nil
}

func newSession() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// apiChallenge is POST /api/v1/torch/challenge: a captcha as a picture.
func (h *Handler) apiChallenge(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Accept", "application/json")
	ctx := r.Context()
	if err := h.count(ctx, web.ClientIP(ctx)); err != nil {
		h.refuse(w, r, err)
		return
	}
	id := newSession()
	c, err := h.Captchas.Draw(ctx, "api "+id, challenge.Lookup)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	digits, noise, ok := h.Captchas.Shown("api "+id, c.ID)
	if !ok {
		h.refuse(w, r, errors.New("a captcha just drawn shows nothing"))
		return
	}
	png, err := challenge.Picture(digits, noise)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.say(w, map[string]string{"session": id, "captcha_id": c.ID, "picture": "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)})
}

// apiCode is POST /api/v1/torch/code: a code to a mobile number.
func (h *Handler) apiCode(w http.ResponseWriter, r *http.Request) {
	q, ok := h.read(w, r)
	if !ok {
		return
	}
	ctx := r.Context()
	browser, err := session(q.Session)
	if err == nil {
		_, _, err = h.Lookup.AskPerson(ctx, browser, web.ClientIP(ctx), web.Locale(ctx).String(), q.Mobile, torch.Solved{ID: q.CaptchaID, Answer: q.Captcha})
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.say(w, map[string]bool{"sent": true})
}

// apiLookup is POST /api/v1/torch/lookup: with uscc and captcha, or with mobile
// and code.
func (h *Handler) apiLookup(w http.ResponseWriter, r *http.Request) {
	q, ok := h.read(w, r)
	if !ok {
		return
	}
	ctx := r.Context()
	browser, err := session(q.Session)
	var a torch.Answer
	switch {
	case err != nil:
	case (q.USCC == "") == (q.Mobile == ""):
		err = fault.New(fault.Invalid, "give either uscc or mobile")
	case q.USCC != "":
		var u account.USCC
		if u, err = h.Lookup.AskUnit(ctx, browser, q.USCC, torch.Solved{ID: q.CaptchaID, Answer: q.Captcha}); err == nil {
			a, err = h.Lookup.Unit(ctx, u)
		}
	default:
		var m account.Mobile
		if m, err = torch.ParseMobile(q.Mobile); err == nil {
			if err = h.Lookup.ProvePerson(ctx, browser, m, q.Code); err == nil {
				a, err = h.Lookup.Person(ctx, m)
			}
		}
	}
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	p, used := card(a), ""
	if !a.UsedAt.IsZero() {
		used = a.UsedAt.In(beijing).Format(time.DateOnly)
	}
	h.say(w, apiAnswer{
		Outcome: p.Code, Text: h.Web.Render.Say(web.Locale(ctx), p.Says()), LoginName: a.LoginName, Masked: a.Masked, Window: string(a.Kind),
		PasswordKept: a.Kept, PasswordChanged: a.Changed, LastUsed: used, Suffixed: a.Suffixed, Test: a.Test, Next: p.Do.URL,
	})
}

func (h *Handler) say(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(raw) // a reader that goes away is nobody's error
}

// refuse answers with the field and the words of a fault.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var why *fault.Error
	if !errors.As(err, &why) || why.Kind != fault.Invalid && why.Kind != fault.Throttled {
		h.Web.Fail(w, r, err)
		return
	}
	status := http.StatusBadRequest
	if why.Kind == fault.Throttled {
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.FormatInt(int64((max(why.RetryAfter, time.Second)+time.Second-1)/time.Second), 10))
	}
	raw, err := json.Marshal(map[string]string{
		"error": "invalid_request", "field": why.Field, "error_description": h.Web.Render.Say(web.Locale(r.Context()), templates.Text{Key: why.Msg}), "request_id": web.RequestID(r.Context()),
	})
	if err != nil {
		raw = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
