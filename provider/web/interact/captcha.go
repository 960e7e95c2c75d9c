package interact

import (
	"net/http"

	"github.com/gorilla/mux"

	"kejitong/provider/challenge"
	"kejitong/provider/fault"
)

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
