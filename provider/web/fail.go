package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/fault"
	"kejitong/templates"
)

type panicked struct{ cause any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// statusOf maps kinds of fault to HTTP statuses.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Refused:
		return http.StatusForbidden
	case fault.Unproven:
		return http.StatusUnauthorized
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Gone:
		return http.StatusGone
	}
	return http.StatusInternalServerError
}

// Waits that are told where a fault names none.
const (
	throttledWait   = time.Minute
	unavailableWait = 5 * time.Second
)

// Fail answers with what went wrong: a page for browsers, JSON for programs. A
// fault's Msg is shown below 500; of anything else only the request number
// leaves the house, and the log gets the rest.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error, opts ...Option) {
	ctx := r.Context()
	var (
		known    *fault.Error
		tooLarge *http.MaxBytesError
		p        = templates.Problem{Status: http.StatusInternalServerError}
	)
	switch {
	case errors.As(err, &tooLarge):
		p.Status = http.StatusRequestEntityTooLarge
	case errors.As(err, &known):
		p.Status = statusOf(known.Kind)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled) && ctx.Err() != nil:
		p.Status = http.StatusServiceUnavailable
	}
	if known != nil && p.Status < 500 {
		p.Detail = known.Msg
	}
	if k.Debug && p.Status >= 500 {
		p.Detail = fmt.Sprint(err)
	}
	switch p.Status {
	case http.StatusTooManyRequests:
		p.RetryAfter = throttledWait
	case http.StatusServiceUnavailable:
		p.RetryAfter = unavailableWait
	}
	if known != nil && known.RetryAfter > 0 && p.RetryAfter > 0 {
		p.RetryAfter = known.RetryAfter
	}
	if p.Status >= 500 && !errors.Is(ctx.Err(), context.Canceled) { // who has gone needs no line
		k.log().LogAttrs(ctx, slog.LevelError, "request failed",
			slog.String("request_id", RequestID(ctx)),
			slog.String("method", r.Method),
			slog.String("path", logged(r.URL.Path)),
			slog.Int("status", p.Status),
			slog.String("error", fmt.Sprint(err)))
	}
	k.problem(w, r, p, opts...)
}

// Problem answers a browser with a text of the caller's choice instead of the
// status's own; programs get the status's JSON.
func (k *Kit) Problem(w http.ResponseWriter, r *http.Request, status int, text templates.Text, opts ...Option) {
	k.problem(w, r, templates.Problem{Status: status, Text: text}, opts...)
}

// Expired answers for a request that is over, with the way back to the system
// name, which starts it anew at the address start; both may be empty.
func (k *Kit) Expired(w http.ResponseWriter, r *http.Request, name, start string) {
	p := templates.Problem{Status: http.StatusGone, Text: templates.T("problem.expired")}
	if name != "" && start != "" {
		p.BackName, p.BackURL = name, start
	}
	k.problem(w, r, p)
}

// NotFound and NotAllowed are the mux's answers to paths and methods that it
// does not know.
func (k *Kit) NotFound() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.problem(w, r, templates.Problem{Status: http.StatusNotFound})
	})
}

// NotAllowed: see NotFound.
func (k *Kit) NotAllowed() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.problem(w, r, templates.Problem{Status: http.StatusMethodNotAllowed})
	})
}

// problem answers in the asker's form.
func (k *Kit) problem(w http.ResponseWriter, r *http.Request, p templates.Problem, opts ...Option) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((p.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if wantsJSON(r) {
		answerJSON(w, r, p)
		return
	}
	k.Show(w, r, p.Status, p, opts...)
}

// wantsJSON: the protocol's endpoints speak JSON unless a browser asks; all
// others speak HTML unless a program asks for JSON alone. The two endpoints
// that a browser is sent to are pages.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	html := strings.Contains(accept, "text/html")
	switch path := r.URL.Path; {
	case html, path == "/oauth2/authorize", path == "/oauth2/logout":
		return !html && strings.Contains(accept, "application/json")
	case strings.HasPrefix(path, "/oauth2/"), strings.HasPrefix(path, "/.well-known/"), strings.HasPrefix(path, "/api/"):
		return true
	}
	return strings.Contains(accept, "application/json")
}

// answerJSON writes the error members of RFC 6749 §5.2 and the request number.
func answerJSON(w http.ResponseWriter, r *http.Request, p templates.Problem) {
	body := struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
		RequestID   string `json:"request_id,omitempty"`
	}{errorCode(p.Status), describable(p.Detail), RequestID(r.Context())}
	raw, err := json.Marshal(body)
	if err != nil {
		raw = []byte(`{"error":"server_error"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(raw)
}

func errorCode(status int) string {
	switch status {
	case http.StatusNotFound:
		return "not_found"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "access_denied"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "temporarily_unavailable"
	}
	if status >= 500 {
		return "server_error"
	}
	return "invalid_request"
}

// describable keeps to the letters that RFC 6749 §5.2 allows.
func describable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s)
}
