package interact

import (
	"context"
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/web"
	"kejitong/templates"
)

// deviceCookie holds what credential.Service.Remember gave the browser.
const deviceCookie = "kejitong_device"

// captchaPicture is GET /captcha/{id}.png: what a captcha shows, to the browser
// that it was drawn for.
func (h *Handler) captchaPicture(w http.ResponseWriter, r *http.Request) {
	digits, noise, ok := h.Captchas.Shown(h.Web.Browser(w, r), mux.Vars(r)["id"])
	if !ok {
		h.Web.Fail(w, r, fault.New(fault.NotFound, "no such captcha"))
		return
	}
	picture, err := challenge.Picture(digits, noise)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(picture) // a browser that left needs none
}

// soundPolicy lets a browser play the sound that it opened by itself.
const soundPolicy = "default-src 'none'; media-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// captchaSound is GET /captcha/{id}.wav: the same to be heard (C31).
func (h *Handler) captchaSound(w http.ResponseWriter, r *http.Request) {
	digits, noise, ok := h.Captchas.Shown(h.Web.Browser(w, r), mux.Vars(r)["id"])
	if !ok {
		h.Web.Fail(w, r, fault.New(fault.NotFound, "no such captcha"))
		return
	}
	sound, err := challenge.Sound(digits, noise, web.Locale(r.Context()) == templates.English)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Security-Policy", soundPolicy)
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(sound) // a browser that left needs none
}

// draw is a new captcha for the page.
func (h *Handler) draw(w http.ResponseWriter, r *http.Request, p challenge.Purpose) templates.Captcha {
	c, err := h.Captchas.Draw(r.Context(), h.Web.Browser(w, r), p)
	if err != nil { // it asks no database
		return templates.Captcha{}
	}
	return templates.Captcha{ID: c.ID}
}

// solved holds the form's answer against its captcha. Fields that come twice are
// none (S53).
func (h *Handler) solved(ctx context.Context, w http.ResponseWriter, r *http.Request, p challenge.Purpose) error {
	return h.Captchas.Solve(ctx, h.Web.Browser(w, r), p, once(r, "captcha_id"), once(r, "captcha"))
}

func once(r *http.Request, field string) string {
	if v := r.PostForm[field]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// why is a fault's message for its field.
func why(err error) templates.Text {
	var f *fault.Error
	if errors.As(err, &f) {
		return templates.Text{Key: f.Msg}
	}
	return templates.Text{}
}
