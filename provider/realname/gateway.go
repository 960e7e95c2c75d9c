package realname

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Gateway is the Verifier that asks an authority's gateway over HTTP, by the
// contract of docs/verification.md: signed JSON both ways, one idempotency key for
// each version of a case however often it is asked.
type Gateway struct {
	URL       string
	KeyID     string
	Key       []byte
	Documents []string // types of document that the gateway knows beyond those with a check digit
	HTTP      Doer
	Retries   int           // more tries at once, after a failure that may pass
	Pause     time.Duration // before each of them
	Breaker   *Breaker
	Now       func() time.Time
}

// Doer sends a request.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

var _ Verifier = (*Gateway)(nil)

// The gateway's fields and codes are those of the form.
var (
	gatewayFields = []string{FieldName, FieldIDNumber, FieldIDType, FieldNationality, FieldUnitName, FieldUSCC, FieldUnitType,
		LegalRepPrefix + FieldName, LegalRepPrefix + FieldIDType, LegalRepPrefix + FieldIDNumber}
	gatewayCodes = []string{Mismatch, Unknown, Cancelled}
)

const longestAnswer = 64 << 10

// errLater says that the gateway gave no answer that counts.
var errLater = errors.New("realname: the gateway gave no answer")

// Supports implements Verifier.
func (g *Gateway) Supports(idType string) bool { return slices.Contains(g.Documents, idType) }

// Check implements Verifier.
func (g *Gateway) Check(ctx context.Context, c Case) (Verdict, error) {
	body, err := json.Marshal(Ask(c))
	if err != nil {
		return Verdict{}, fmt.Errorf("realname: question: %w", err)
	}
	for try := 0; ; try++ {
		if !g.Breaker.Allow() {
			return Verdict{}, fmt.Errorf("%w: too many failures, waiting", errLater)
		}
		v, again, err := g.ask(ctx, body, requestID(c))
		g.Breaker.Report(err == nil)
		if err == nil || !again || try >= g.Retries {
			return v, err
		}
		select {
		case <-ctx.Done():
			return Verdict{}, ctx.Err()
		case <-time.After(g.Pause):
		}
	}
}

// ask puts the question once. again tells whether it may be worth asking at once.
func (g *Gateway) ask(ctx context.Context, body []byte, id string) (v Verdict, again bool, err error) { //nolint:revive // the flag says what to do about the error
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL, bytes.NewReader(body))
	if err != nil {
		return v, false, fmt.Errorf("realname: gateway address: %w", err)
	}
	nonce := newNonce()
	sign := Signature{KeyID: g.KeyID, Timestamp: g.Now().UnixMilli(), Nonce: nonce}
	sign.Value = SignRequest(g.Key, req.Method, req.URL.EscapedPath(), sign, body)
	sign.Write(req.Header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Idempotency-Key", id)
	res, err := g.HTTP.Do(req)
	if err != nil {
		return v, true, fmt.Errorf("%w: %w", errLater, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer+1))
	if err != nil || len(answer) > longestAnswer {
		return v, true, fmt.Errorf("%w: body not read", errLater)
	}
	if res.StatusCode != http.StatusOK {
		return v, res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests, fmt.Errorf("%w: status %d", errLater, res.StatusCode)
	}
	if !hmac.Equal([]byte(res.Header.Get(HeaderSignature)), []byte(SignAnswer(g.Key, nonce, id, answer))) {
		return v, false, fmt.Errorf("%w: its signature is wrong", errLater)
	}
	v, err = readAnswer(answer, id)
	return v, false, err
}

// readAnswer understands an answer. What it says beyond the contract is dropped:
// nothing of the register may reach a page.
func readAnswer(body []byte, id string) (Verdict, error) {
	var a Answer
	if err := json.Unmarshal(body, &a); err != nil {
		return Verdict{}, fmt.Errorf("%w: no JSON of the contract", errLater) // the cause would quote it
	}
	if a.RequestID != id {
		return Verdict{}, fmt.Errorf("%w: it is for another question", errLater)
	}
	v := Verdict{CheckID: reference(a.CheckID), Checker: a.Organization}
	if r := []rune(v.Checker); len(r) > 64 {
		v.Checker = string(r[:64])
	}
	switch a.Result {
	case ResultMatch:
		v.Passed = true
	case ResultUnsupported:
		v.Manual = true
	case ResultMismatch:
		for _, r := range a.Reasons {
			if len(v.Reasons) < 8 && slices.Contains(gatewayFields, r.Field) && slices.Contains(gatewayCodes, r.Code) {
				v.Reasons = append(v.Reasons, Reason(r))
			}
		}
		if len(v.Reasons) == 0 {
			v.Reasons = []Reason{{Code: Mismatch}}
		}
	default:
		return Verdict{}, fmt.Errorf("%w: unknown result", errLater)
	}
	return v, nil
}

// reference keeps to what references are made of.
func reference(s string) string {
	if len(s) > 64 {
		return ""
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != ':' && r != '/' && r != '-' {
			return ""
		}
	}
	return s
}

// requestID names a version of a case to the gateway.
func requestID(c Case) string { return c.Number + "." + itoa(c.Version) }

func newNonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}
