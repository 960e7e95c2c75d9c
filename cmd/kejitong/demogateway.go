package main

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"kejitong/config"
	"kejitong/provider/realname"
)

// referenceGateway is the other side of docs/verification.md, to show and to test
// the contract: it holds an authority's extract and answers signed questions about
// it.
type referenceGateway struct {
	KeyID    string
	Key      []byte
	Verifier realname.Verifier
	Now      func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time // nonces of late
	told map[string][]byte    // answers by idempotency key
}

// openGateway finds a place for the demonstration's gateway and has the provider
// verify there, as it would at an authority's.
func (s *performance) openGateway() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	c := &s.config.RealName
	c.Verifier, c.Gateway.URL, c.Gateway.KeyID, c.Gateway.Key = config.VerifierHTTP, "http://"+l.Addr().String()+"/check", "demo", config.NewSecret(key)
	return l, nil
}

// serveGateway answers there until it is stopped.
func (s *performance) serveGateway(l net.Listener, a *app, log *slog.Logger) (stop func()) {
	c := s.config.RealName
	g := &referenceGateway{KeyID: c.Gateway.KeyID, Key: c.Gateway.Key.Bytes(), Verifier: realname.Registry{Register: a.db, Checker: demoAuthority}, Now: now}
	srv := &http.Server{Handler: g, ReadHeaderTimeout: s.config.Listen.ReadHeaderTimeout}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("demonstration gateway", "error", err)
		}
	}()
	return func() { _ = srv.Close() } // the process ends anyway
}

// gatewaySkew is how far a question's time may lie off.
const gatewaySkew = 5 * time.Minute

// ServeHTTP answers one question.
func (g *referenceGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	sign, ok := realname.ReadSignature(r.Header)
	switch {
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case err != nil:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case !ok || sign.KeyID != g.KeyID || !hmac.Equal([]byte(sign.Value), []byte(realname.SignRequest(g.Key, r.Method, r.URL.EscapedPath(), sign, body))):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case !g.fresh(sign):
		w.WriteHeader(http.StatusConflict)
		return
	}
	id := r.Header.Get("Idempotency-Key")
	var q realname.Question
	if json.Unmarshal(body, &q) != nil || q.RequestID == "" || q.RequestID != id {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer, err := g.answer(r, q)
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(realname.HeaderSignature, realname.SignAnswer(g.Key, sign.Nonce, id, answer))
	_, _ = w.Write(answer) // who went away asks again
}

// fresh takes a nonce once, and no question from another time.
func (g *referenceGateway) fresh(s realname.Signature) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Now()
	if off := now.Sub(time.UnixMilli(s.Timestamp)); off > gatewaySkew || off < -gatewaySkew {
		return false
	}
	if g.seen == nil {
		g.seen = map[string]time.Time{}
	}
	for nonce, at := range g.seen {
		if now.Sub(at) > 2*gatewaySkew {
			delete(g.seen, nonce)
		}
	}
	if _, again := g.seen[s.Nonce]; again {
		return false
	}
	g.seen[s.Nonce] = now
	return true
}

// answer compares, once for each idempotency key.
func (g *referenceGateway) answer(r *http.Request, q realname.Question) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if told, again := g.told[q.RequestID]; again {
		return told, nil
	}
	a := realname.Answer{RequestID: q.RequestID, Result: realname.ResultUnsupported}
	if e, ok := q.Entry(); ok && !realname.Manual(e, g.Verifier) {
		v, err := g.Verifier.Check(r.Context(), realname.Case{Number: q.RequestID, Entry: e})
		if err != nil {
			return nil, err
		}
		a.Result, a.CheckID, a.Organization = realname.ResultMismatch, v.CheckID, v.Checker
		if v.Passed {
			a.Result = realname.ResultMatch
		}
		for _, why := range v.Reasons {
			a.Reasons = append(a.Reasons, realname.AnswerReason(why))
		}
	}
	answer, err := json.Marshal(a)
	if err == nil {
		if g.told == nil || len(g.told) > 10000 {
			g.told = map[string][]byte{}
		}
		g.told[q.RequestID] = answer
	}
	return answer, err
}
