package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
)

// Bounds of a request.
const (
	maxBody  = 32 << 10
	page     = 50
	maxPage  = 200
	keptDeed = 24 * time.Hour
)

func invalid(field, why string) error {
	return &fault.Error{Kind: fault.Invalid, Field: field, Msg: why}
}

// body reads a JSON object into v: known members only, each once (S65). It gives
// the bytes, for the digest of the request.
func body(r *http.Request, v any) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, invalid("", "the body is not application/json")
	}
	if err := client.Once(raw); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil, errNoObject
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, invalid(wrong.Field, "is of another type: want "+wrong.Type.String())
		}
		if name, ok := strings.CutPrefix(err.Error(), `json: unknown field `); ok {
			return nil, invalid(strings.Trim(name, `"`), "is unknown")
		}
		return nil, errNoObject
	}
	return raw, nil
}

var errNoObject = invalid("", "the body is no JSON object of known members")

// known refuses parameters of the query that a route does not have, and repeated
// ones.
func known(r *http.Request, names ...string) error {
	for name, values := range r.URL.Query() {
		if !slices.Contains(names, name) || len(values) != 1 || len(values[0]) > 1024 {
			return invalid(name, "is unknown, repeated or too long")
		}
	}
	return nil
}

// limit gives how many the asker wants.
func limit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return page, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, invalid("limit", "want 1 to "+strconv.Itoa(maxPage))
	}
	return n, nil
}

// A cursor is sealed and bound to the client and to what was asked, so that nobody
// makes one up or carries one over (S83).
func cursorPlace(v visit, r *http.Request) string {
	q := r.URL.Query()
	q.Del("cursor")
	q.Del("limit")
	return "cursor of " + v.client + " in " + r.URL.Path + "?" + q.Encode()
}

func (h *Handler) cursor(v visit, r *http.Request, last string) (string, error) {
	return h.Keys().Seal(keys.Page, cursorPlace(v, r), []byte(last))
}

// from gives where the page that was asked for begins, "" at the beginning.
func (h *Handler) from(v visit, r *http.Request) (string, error) {
	text := r.URL.Query().Get("cursor")
	if text == "" {
		return "", nil
	}
	plain, err := h.Keys().Open(keys.Page, cursorPlace(v, r), text)
	if err != nil {
		return "", invalid("cursor", "is not one of this list for this client")
	}
	return string(plain), nil
}

// nothing needs to be prepared for what makes something of what is in the database.
func nothing(context.Context) error { return nil }

// once does what makes something, in one transaction, after ready, which runs
// before it and may take its time: it may call addresses outside. A request that
// comes again under the same Idempotency-Key makes nothing, and again is true: id
// is what the first one made. Secrets are shown to the first alone (S71).
func (h *Handler) once(r *http.Request, v visit, raw []byte, ready func(context.Context) error, do func(context.Context) (id string, err error)) (id string, again bool, err error) {
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 128 || strings.ContainsFunc(key, func(c rune) bool { return c < 0x21 || c > 0x7e }) {
		return "", false, invalid("Idempotency-Key", "want up to 128 visible ASCII characters")
	}
	ctx, hashed, request := r.Context(), digest(key), digest(r.Method+" "+r.URL.Path+"\n"+string(raw))
	if key != "" { // what was done needs no second look at the world outside
		before, made, err := h.Deeds.Deed(ctx, v.client, hashed)
		if err != nil || before != "" {
			return made, true, sameRequest(err, before, request)
		}
	}
	if err := ready(ctx); err != nil {
		return "", false, err
	}
	err = h.Deeds.InTx(ctx, func(ctx context.Context) error {
		again = false
		if key == "" {
			id, err = do(ctx)
			return err
		}
		first, before, made, err := h.Deeds.BeginDeed(ctx, v.client, hashed, request, h.Now().Add(keptDeed))
		if err != nil || !first {
			id, again = made, true
			return sameRequest(err, before, request)
		}
		if id, err = do(ctx); err != nil {
			return err
		}
		return h.Deeds.SettleDeed(ctx, v.client, hashed, id)
	})
	return id, again, err
}

func sameRequest(err error, before, request string) error {
	if err == nil && before != request {
		return &fault.Error{Kind: fault.Conflict, Field: "Idempotency-Key", Msg: "was used for another request"}
	}
	return err
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
