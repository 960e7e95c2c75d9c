package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"kejitong/provider/audit"
	"kejitong/templates"
)

// Limits of a request before any handler sees it, in bytes.
const (
	maxURL    = 8 << 10
	maxHeader = 16 << 10
	maxLogged = 200 // of a path in the log
	maxAgent  = 256 // of the User-Agent in the audit trail
)

// answerWithin bounds the work for a request of the protocol, whatever the
// database or a relying party's server does: with the moment that a cancelled
// statement is given, systems have their 503 within five seconds. Pages and
// uploads are not bounded: what they wait for has bounds of its own.
const answerWithin = 4 * time.Second

// Wrap goes around the whole server. It gives the request its id and its
// client's address, holds it to the limits, puts the security headers on every
// response, writes one access-log line and turns a panic into an answer.
func (k *Kit) Wrap(next http.Handler) http.Handler {
	head, logger, maxBody := k.headers(), k.log(), k.maxBody()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		began := k.now()
		v := &visit{kit: k, request: r}
		ip, byProxy, addressErr := k.address(r)
		v.ip = ip
		if given := r.Header.Get("X-Request-Id"); byProxy && isRequestID(given) {
			v.id = given
		} else {
			v.id = newRequestID()
		}
		ctx := context.WithValue(r.Context(), visitKey{}, v)
		if strings.HasPrefix(r.URL.Path, "/oauth2/") {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, answerWithin)
			defer cancel()
		}
		ctx = audit.WithSource(ctx, audit.Source{IP: ClientIP(ctx), UserAgent: agent(r), RequestID: v.id})
		r = r.WithContext(ctx)
		w := &writer{ResponseWriter: rw}
		head.put(w.Header(), v.id)

		defer k.finish(w, r, began, logger)
		switch {
		case addressErr != nil:
			k.Fail(w, r, addressErr)
		case urlLength(r) > maxURL:
			k.problem(w, r, templates.Problem{Status: http.StatusRequestURITooLong})
		case headerLength(r.Header) > maxHeader:
			k.problem(w, r, templates.Problem{Status: http.StatusRequestHeaderFieldsTooLarge})
		case r.ContentLength > maxBody && !carriesFiles(r):
			// What is not read cannot be answered on the same connection.
			w.Header().Set("Connection", "close")
			k.problem(w, r, templates.Problem{Status: http.StatusRequestEntityTooLarge})
		case !plainURL(r.URL):
			k.problem(w, r, templates.Problem{Status: http.StatusNotFound})
		default:
			if r.Body != nil && r.Body != http.NoBody {
				if carriesFiles(r) {
					v.body = r.Body // GuardUpload has limits of its own
				}
				r.Body = http.MaxBytesReader(rw, r.Body, maxBody)
			}
			next.ServeHTTP(w, r)
		}
	})
}

// carriesFiles tells whether the request says that it is a form with files.
func carriesFiles(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/form-data")
}

// finish runs when the handler returns or panics.
func (k *Kit) finish(w *writer, r *http.Request, began time.Time, logger *slog.Logger) {
	if cause := recover(); cause != nil {
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			k.access(w, r, began, logger)
			panic(http.ErrAbortHandler)
		}
		logger.LogAttrs(r.Context(), slog.LevelError, "panic",
			slog.String("request_id", RequestID(r.Context())),
			slog.String("method", r.Method),
			slog.String("path", logged(r.URL.Path)),
			slog.String("cause", fmt.Sprint(cause)),
			slog.String("stack", string(debug.Stack())))
		if w.status != 0 {
			// Half an answer is on the wire: break the connection, so that
			// nobody takes it for a whole one.
			k.access(w, r, began, logger)
			panic(http.ErrAbortHandler)
		}
		k.problem(w, r, templates.Problem{Status: http.StatusInternalServerError})
	}
	k.access(w, r, began, logger)
}

// access writes the one line: never the query, cookies or bodies, which carry
// codes, tokens and personal data.
func (k *Kit) access(w *writer, r *http.Request, began time.Time, logger *slog.Logger) {
	if !k.AccessLog {
		return
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("method", logged(r.Method)),
		slog.String("path", logged(r.URL.Path)),
		slog.Int("status", status),
		slog.Int64("bytes", w.bytes),
		slog.Duration("duration", k.now().Sub(began)),
		slog.String("request_id", RequestID(r.Context())),
		slog.String("ip", ClientIP(r.Context())))
}

func logged(s string) string {
	if len(s) > maxLogged {
		return s[:maxLogged] + "…"
	}
	return s
}

// agent is the User-Agent, cut to what the audit trail holds.
func agent(r *http.Request) string {
	ua := r.Header.Get("User-Agent")
	if len(ua) > maxAgent {
		ua = ua[:maxAgent]
	}
	return strings.ToValidUTF8(ua, "")
}

func urlLength(r *http.Request) int {
	if r.RequestURI != "" {
		return len(r.RequestURI)
	}
	return len(r.URL.Path) + len(r.URL.RawQuery)
}

func headerLength(h http.Header) int {
	n := 0
	for key, values := range h {
		for _, v := range values {
			n += len(key) + len(v) + 4 // ": " and the line break
		}
	}
	return n
}
