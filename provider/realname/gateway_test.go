package realname_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/realname"
)

var sharedKey = []byte("0123456789abcdef0123456789abcdef")

// authority answers as a test tells it, and checks what it is asked.
type authority struct {
	t      *testing.T
	answer realname.Answer
	raw    string // instead of the answer
	status int
	forge  func(signature string) string
	asked  []http.Header
	bodies []string
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	sign, ok := realname.ReadSignature(r.Header)
	if !ok || sign.Value != realname.SignRequest(sharedKey, r.Method, r.URL.EscapedPath(), sign, body) {
		a.t.Errorf("the question is not signed: %v", r.Header)
	}
	a.asked, a.bodies = append(a.asked, r.Header), append(a.bodies, string(body))
	answer, err := json.Marshal(a.answer)
	if err != nil {
		a.t.Error(err)
	}
	if a.raw != "" {
		answer = []byte(a.raw)
	}
	signature := realname.SignAnswer(sharedKey, sign.Nonce, r.Header.Get("Idempotency-Key"), answer)
	if a.forge != nil {
		signature = a.forge(signature)
	}
	w.Header().Set(realname.HeaderSignature, signature)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	if _, err := w.Write(answer); err != nil {
		a.t.Error(err)
	}
}

func open(t *testing.T, a *authority) *realname.Gateway {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	clock := func() time.Time { return start }
	return &realname.Gateway{URL: srv.URL + "/check", KeyID: "k1", Key: sharedKey, HTTP: srv.Client(), Retries: 1,
		Breaker: &realname.Breaker{Failures: 3, For: time.Minute, Now: clock}, Now: clock}
}

func asked() realname.Case {
	e := asFirm("样例智能装备有限公司", firmUSCC, "李四", li)
	return realname.Case{Number: "RN20261126-ABCDEFGH", Version: 3, Entry: e}
}

func TestTheGatewaysAnswers(t *testing.T) {
	const id = "RN20261126-ABCDEFGH.3"
	for _, row := range []struct {
		name   string
		answer realname.Answer
		want   realname.Verdict
	}{
		{"match", realname.Answer{RequestID: id, Result: "match", CheckID: "x-1", Organization: "某局"}, realname.Verdict{Passed: true, CheckID: "x-1", Checker: "某局"}},
		{"cannot tell", realname.Answer{RequestID: id, Result: "unsupported"}, realname.Verdict{Manual: true}},
		{"reasons", realname.Answer{RequestID: id, Result: "mismatch", Reasons: []realname.AnswerReason{{Field: "legal_rep_name", Code: "mismatch"}}},
			realname.Verdict{Reasons: []realname.Reason{{Field: "legal_rep_name", Code: "mismatch"}}}},
		// Whatever a gateway says beyond the contract, no page shows it.
		{"a register's data as a reason", realname.Answer{RequestID: id, Result: "mismatch", CheckID: "李四 440000", Reasons: []realname.AnswerReason{{Field: "李四", Code: "mismatch"}, {Field: "name", Code: "is really 王五"}}},
			realname.Verdict{Reasons: []realname.Reason{{Code: "mismatch"}}}},
	} {
		a := &authority{t: t, answer: row.answer}
		v, err := open(t, a).Check(t.Context(), asked())
		if err != nil || v.Passed != row.want.Passed || v.Manual != row.want.Manual || v.CheckID != row.want.CheckID || v.Checker != row.want.Checker || len(v.Reasons) != len(row.want.Reasons) {
			t.Errorf("%s: %+v, %v", row.name, v, err)
			continue
		}
		for i, r := range row.want.Reasons {
			if v.Reasons[i] != r {
				t.Errorf("%s: %+v", row.name, v.Reasons)
			}
		}
		if len(a.bodies) != 1 || strings.Contains(a.bodies[0], "handler") || strings.Contains(a.bodies[0], "138") {
			t.Errorf("%s: asked more than there is to compare: %v", row.name, a.bodies)
		}
	}
}

// What is no answer: it is asked again under the same idempotency key and another
// nonce, and in the end it is later.
func TestTheGatewaysNonAnswers(t *testing.T) {
	good := realname.Answer{RequestID: "RN20261126-ABCDEFGH.3", Result: "match"}
	other := good
	other.RequestID = "RN20261126-ABCDEFGH.2"
	for _, row := range []struct {
		name  string
		a     authority
		tries int
	}{
		{"forged", authority{answer: good, forge: func(string) string { return "AAAA" }}, 1},
		{"unsigned", authority{answer: good, forge: func(string) string { return "" }}, 1},
		{"to another question", authority{answer: other}, 1},
		{"unheard-of result", authority{answer: realname.Answer{RequestID: good.RequestID, Result: "perhaps"}}, 1},
		{"no JSON", authority{raw: "<html>"}, 1},
		{"endless", authority{raw: strings.Repeat(" ", 80<<10)}, 2},
		{"refused", authority{answer: good, status: http.StatusUnauthorized}, 1},
		{"overloaded", authority{answer: good, status: http.StatusServiceUnavailable}, 2},
		{"throttled", authority{answer: good, status: http.StatusTooManyRequests}, 2},
	} {
		row.a.t = t
		v, err := open(t, &row.a).Check(t.Context(), asked())
		if err == nil || v.Passed {
			t.Errorf("%s: %+v, %v", row.name, v, err)
		}
		if len(row.a.asked) != row.tries {
			t.Errorf("%s: asked %d times", row.name, len(row.a.asked))
		}
		for i, h := range row.a.asked {
			if h.Get("Idempotency-Key") != good.RequestID || i > 0 && h.Get(realname.HeaderNonce) == row.a.asked[0].Get(realname.HeaderNonce) {
				t.Errorf("%s: %v", row.name, h)
			}
		}
		if strings.Contains(err.Error(), "李四") || strings.Contains(err.Error(), li) {
			t.Errorf("%s: the error tells: %v", row.name, err)
		}
	}
}

// After three failures in a row nobody asks for a minute, then one does.
func TestTheBreaker(t *testing.T) {
	now := start
	b := &realname.Breaker{Failures: 3, For: time.Minute, Now: func() time.Time { return now }}
	for range 3 {
		if !b.Allow() {
			t.Fatal("shut early")
		}
		b.Report(false)
	}
	if b.Allow() {
		t.Error("open after three failures")
	}
	now = now.Add(time.Minute)
	if !b.Allow() || b.Allow() {
		t.Error("not one and only one is let through")
	}
	b.Report(false)
	if b.Allow() {
		t.Error("open after the trial failed")
	}
	now = now.Add(time.Minute)
	if !b.Allow() {
		t.Error("shut for good")
	}
	b.Report(true)
	for range 2 {
		if !b.Allow() {
			t.Error("shut although it works again")
		}
	}
}

// extract is a register in memory.
type extract struct {
	person realname.PersonRecord
	unit   realname.UnitRecord
}

func (e extract) PersonOnRecord(_ context.Context, idType, number string) (realname.PersonRecord, error) {
	if e.person.IDType != idType || e.person.IDNumber != number {
		return realname.PersonRecord{}, notThere
	}
	return e.person, nil
}

func (e extract) UnitOnRecord(_ context.Context, uscc account.USCC) (realname.UnitRecord, error) {
	if e.unit.USCC != uscc {
		return realname.UnitRecord{}, notThere
	}
	return e.unit, nil
}
