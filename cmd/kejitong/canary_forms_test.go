package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// canariesOfRegistration registers a person and leaves a unit's registration half
// done, with what both typed.
func (r *rig) canariesOfRegistration(secret canaries) {
	r.t.Helper()
	secret.add("registered mobile", "13944440001")
	secret.add("registered password", chosenPassword)
	r.applicant("13944440001").enrolled(personForm("Canary.Reader"))
	secret.add("mobile of a registration that ended", "13944440002")
	secret.add("contact of a registration that ended", "司马登记")
	u := r.applicant("13944440002")
	f := unitForm("91110000MA00000077", "91110000MA00000077", "北京登记科技公司")
	f.Set("contact", "司马登记")
	f.Set("password_again", chosenPassword+"x")
	u.submit(u.prove("/register/unit"), "login_name", f)
}

// canariesOfRecovery resets a password and files appeals of several kinds, with
// names, numbers, reasons, a document, their codes and secrets.
func (r *rig) canariesOfRecovery(secret canaries) {
	r.t.Helper()
	b := r.browser()
	p := b.askReset(r, "natural_person", "wangwu")
	secret.add("a mobile that is not on file", "13944440003")
	b.press(p, "send=code", "mobile", "13944440003")
	secret.add("name in an appeal", "诸葛申诉")
	secret.add("number in an appeal", "110000199001010099")
	secret.add("mobile in an appeal", "13944440004")
	f := r.browser().filePerson(r, claimant{"", "诸葛申诉", "110000199001010099", "13944440004"})
	secret.add("secret of an appeal", f.secret)
	secret.add("secret of an appeal without hyphens", strings.ReplaceAll(f.secret, "-", ""))
	secret.add("reason of an appeal", "旧手机号已注销")
	secret.add("name of an uploaded file", "证件.jpg")
	secret.add("mobile as a login name asked for", "13944440005")
	f = r.browser().fileNamePerson(r, claimant{"", "诸葛申诉", "110000199001010099", "13944440005"})
	secret.add("secret of an appeal for a name", f.secret)
	secret.add("reason of an appeal for a name", "手机号被他人注册为登录名")
	c := r.browser()
	c.press(c.get(r.issuer+"/appeal/object"), "number", captcha("number", f.number, "mobile", "13944440006")...)
	secret.add("mobile of an objection", "13944440006")
}

// canariesOfTheDesk puts a real name before the reviewers, who take it, look at it,
// search for it and reject it with a remark.
func (r *rig) canariesOfTheDesk(secret canaries) {
	r.t.Helper()
	cs := r.underReview("d", caseNumber)
	secret.add("number under review", caseNumber)
	secret.add("name under review", "赵小六")
	for _, o := range r.cast.operators() {
		secret.add("password of the operator "+o.Username, o.Password)
		secret.add("authenticator of the operator "+o.Username, o.Factor)
	}
	one := r.atDesk("reviewer")
	at := r.issuer + "/admin/cases/" + cs.ID
	p := one.submit(one.get(at), "decision=claim", url.Values{"decision": {"claim"}})
	if paper := paperLink.FindString(p.body); paper == "" {
		r.t.Error("the desk shows no document")
	} else {
		one.get(r.issuer + strings.ReplaceAll(paper, "&amp;", "&"))
	}
	one.submit(one.get(r.issuer+"/admin/accounts"), "q", url.Values{"by": {"document"}, "q": {caseNumber}})
	secret.add("a reviewer's remark", "人像与证件不符备注")
	one.submit(one.get(at), "decision=reject", url.Values{"decision": {"reject"}, "reason": {"papers_unclear"}, "remark": {"人像与证件不符备注"}})
}

// metrics is what the internal listener shows after requests whose paths and
// methods hold all of the canaries, which would be labels if anything were.
func (r *rig) metrics(secret canaries) string {
	r.t.Helper()
	tel, err := newTelemetry(r.t.Context(), r.app.cfg, r.app)
	if err != nil {
		r.t.Fatal(err)
	}
	h := tel.public(http.NotFoundHandler())
	for _, value := range secret {
		q := httptest.NewRequest(http.MethodGet, "/login", nil)
		q.URL.Path, q.URL.RawQuery = "/appeal/"+value, url.Values{"code": {value}}.Encode()
		h.ServeHTTP(httptest.NewRecorder(), q)
	}
	w := httptest.NewRecorder()
	tel.internal(r.app).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), `endpoint="other"`) {
		r.t.Fatal("no metrics")
	}
	return w.Body.String()
}
