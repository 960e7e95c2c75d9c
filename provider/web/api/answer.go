package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/web"
	"kejitong/templates"
)

// problem is an error as RFC 9457 has it.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Field     string `json:"field,omitempty"` // the member or parameter that is to blame
	RequestID string `json:"request_id"`
}

// say answers with v.
func say(w http.ResponseWriter, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	write(w, status, "application/json", raw)
	return nil
}

// tagged is say with the version of what is shown.
func tagged(w http.ResponseWriter, status int, tag string, v any) error {
	w.Header().Set("ETag", tag)
	return say(w, status, v)
}

func write(w http.ResponseWriter, status int, kind string, raw []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a reader that goes away is nobody's error
}

var statuses = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict, fault.Refused: http.StatusForbidden,
	fault.Throttled: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable, fault.Gone: http.StatusGone, fault.Unproven: http.StatusForbidden,
}

// refuse answers with what went wrong. What is not the asker's doing is logged,
// and he learns the request's number.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{Status: http.StatusInternalServerError}
	var (
		denied   *web.Denied
		why      *fault.Error
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &denied):
		for _, c := range denied.Challenge {
			w.Header().Add("WWW-Authenticate", c)
		}
		p.Status, p.Detail = denied.Status, denied.Reason
	case errors.As(err, &tooLarge):
		p.Status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errPrecondition):
		p.Status, p.Detail = http.StatusPreconditionRequired, "send If-Match with the ETag of what you read"
	case errors.As(err, &why) && statuses[why.Kind] != 0:
		p.Status, p.Detail, p.Field = statuses[why.Kind], h.words(why.Msg), why.Field
		if why.Kind == fault.Conflict && why.Msg == client.MsgVersion {
			p.Status, p.Field = http.StatusPreconditionFailed, ""
		}
		if why.RetryAfter > 0 || why.Kind == fault.Throttled || why.Kind == fault.Unavailable {
			seconds := (max(why.RetryAfter, time.Second) + time.Second - 1) / time.Second
			w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
		}
	}
	if p.Status >= 500 && r.Context().Err() == nil && h.Web.Log != nil {
		h.Web.Log.LogAttrs(r.Context(), slog.LevelError, "administration interface failed", slog.String("request_id", web.RequestID(r.Context())),
			slog.String("path", r.URL.Path), slog.String("error", err.Error()))
	}
	p.Type, p.Title, p.RequestID = "about:blank", http.StatusText(p.Status), web.RequestID(r.Context())
	raw, err := json.Marshal(p)
	if err != nil {
		raw = []byte("{}")
	}
	write(w, p.Status, "application/problem+json", raw)
}

// words gives the message of a fault, which is a sentence or the key of one, in
// English, the language of the interface.
func (h *Handler) words(msg string) string {
	if msg == "" || strings.Contains(msg, " ") {
		return msg
	}
	return h.Web.Render.Say(language.English, templates.Text{Key: msg})
}
