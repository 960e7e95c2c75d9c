package realname

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"kejitong/provider/account"
)

// The contract with a verification gateway, for both sides of it; see
// docs/verification.md.

// The headers of a signed request; an answer carries the signature alone.
const (
	HeaderKeyID     = "Kejitong-Key-Id"
	HeaderTimestamp = "Kejitong-Timestamp" // Unix milliseconds
	HeaderNonce     = "Kejitong-Nonce"
	HeaderSignature = "Kejitong-Signature" // base64url of HMAC-SHA-256
)

// The results of a check.
const (
	ResultMatch       = "match"
	ResultMismatch    = "mismatch"
	ResultUnsupported = "unsupported" // the gateway cannot tell: documents decide
)

// Question is the body of a request.
type Question struct {
	RequestID string       `json:"request_id"`
	Kind      string       `json:"kind"` // "person" or "unit"
	Person    *AskedPerson `json:"person,omitempty"`
	Unit      *AskedUnit   `json:"unit,omitempty"`
}

// AskedPerson is a person to compare.
type AskedPerson struct {
	Name        string `json:"name"`
	IDType      string `json:"id_type"`
	IDNumber    string `json:"id_number"`
	Nationality string `json:"nationality"`
}

// AskedUnit is a unit to compare. Handler and address are nobody else's business.
type AskedUnit struct {
	Name     string      `json:"unit_name"`
	USCC     string      `json:"uscc"`
	Type     string      `json:"unit_type"`
	LegalRep AskedPerson `json:"legal_rep"`
}

// Answer is the body of an answer.
type Answer struct {
	RequestID    string         `json:"request_id"`
	Result       string         `json:"result"`
	Reasons      []AnswerReason `json:"reasons,omitempty"`
	CheckID      string         `json:"check_id,omitempty"`
	Organization string         `json:"organization,omitempty"`
}

// AnswerReason names a field that differs.
type AnswerReason struct {
	Field string `json:"field"`
	Code  string `json:"code"`
}

// Ask is the question about a case.
func Ask(c Case) Question {
	q := Question{RequestID: requestID(c)}
	if p := c.Entry.Person; p != nil {
		q.Kind, q.Person = "person", &AskedPerson{p.Name, p.IDType, p.IDNumber, p.Nationality}
	} else if u := c.Entry.Unit; u != nil {
		l := u.LegalRep
		q.Kind, q.Unit = "unit", &AskedUnit{u.Name, u.USCC, u.Type, AskedPerson(l)}
	}
	return q
}

// Entry is what the question asks about, for the other side of the contract.
func (q Question) Entry() (Entry, bool) {
	switch {
	case q.Kind == "person" && q.Person != nil:
		p := q.Person
		return Entry{Person: &Person{Name: p.Name, IDType: p.IDType, IDNumber: p.IDNumber, Nationality: p.Nationality}}, true
	case q.Kind == "unit" && q.Unit != nil:
		l := q.Unit.LegalRep
		return Entry{Unit: &Unit{Name: q.Unit.Name, USCC: q.Unit.USCC, Type: q.Unit.Type, Region: account.Mainland,
			LegalRep: Person(l)}}, true
	}
	return Entry{}, false
}

// Signature is what a request proves itself with.
type Signature struct {
	KeyID     string
	Timestamp int64 // Unix milliseconds
	Nonce     string
	Value     string
}

// Write puts the signature into a request's header.
func (s Signature) Write(h http.Header) {
	h.Set(HeaderKeyID, s.KeyID)
	h.Set(HeaderTimestamp, strconv.FormatInt(s.Timestamp, 10))
	h.Set(HeaderNonce, s.Nonce)
	h.Set(HeaderSignature, s.Value)
}

// ReadSignature takes it out again; false if it is not all there.
func ReadSignature(h http.Header) (Signature, bool) {
	at, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	s := Signature{h.Get(HeaderKeyID), at, h.Get(HeaderNonce), h.Get(HeaderSignature)}
	return s, err == nil && s.KeyID != "" && len(s.Nonce) >= 16 && len(s.Nonce) <= 64 && s.Value != ""
}

// SignRequest is the signature over "request", key id, method, path, timestamp,
// nonce and the body's SHA-256, each on a line of its own.
func SignRequest(key []byte, method, path string, s Signature, body []byte) string {
	return mac(key, "request", s.KeyID, method, path, strconv.FormatInt(s.Timestamp, 10), s.Nonce, digest(body))
}

// SignAnswer is the signature over "answer", the request's nonce and idempotency
// key, and the body's SHA-256: an answer to another question is worth nothing.
func SignAnswer(key []byte, nonce, requestID string, body []byte) string {
	return mac(key, "answer", nonce, requestID, digest(body))
}

func mac(key []byte, lines ...string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.Join(lines, "\n")))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
