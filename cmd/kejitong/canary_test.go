package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// canaries are what must stand nowhere in the clear, by what they are.
type canaries map[string]string

func (c canaries) add(what, value string) {
	if len(value) >= 6 { // shorter ones stand everywhere
		c[what] = value
	}
}

// readable are the ways in which a value would be readable without a key.
func readable(value string) map[string]string {
	b := []byte(value)
	return map[string]string{
		"plain": value, "hex": hex.EncodeToString(b), "HEX": strings.ToUpper(hex.EncodeToString(b)),
		"base64": strings.TrimRight(base64.StdEncoding.EncodeToString(b), "="), "base64url": base64.RawURLEncoding.EncodeToString(b),
		"query": url.QueryEscape(value),
	}
}

// dump reads every column of every table as text.
func (r *rig) dump() map[string]string {
	r.t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if r.options.Driver == "postgres" {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	names, err := r.beside.QueryContext(r.t.Context(), tables)
	if err != nil {
		r.t.Fatal(err)
	}
	var list []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, name)
	}
	_ = names.Close()
	out := map[string]string{}
	for _, table := range list {
		rows, err := r.beside.QueryContext(r.t.Context(), `SELECT * FROM `+table)
		if err != nil {
			r.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			r.t.Fatal(err)
		}
		var text strings.Builder
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				r.t.Fatal(err)
			}
			for i, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					fmt.Fprintf(&text, "%s=%s\n", columns[i], v)
				default:
					fmt.Fprintf(&text, "%s=%v\n", columns[i], v)
				}
			}
		}
		_ = rows.Close()
		out[table] = text.String()
	}
	return out
}

// After a whole run, with everything that people type into these flows, the
// database and the logs hold none of it in the clear: no number, mobile, address,
// name of a person, password, code, cookie or token (S84, C16).
func TestNothingInTheClear(t *testing.T) {
	onDesks(t, func(t *testing.T, r *rig) {
		secret := canaries{}
		for _, a := range r.cast.accounts {
			secret.add("password of "+a.Case, a.Password)
		}
		for what, value := range map[string]string{
			"number": "11000019900101003X", "another number": "110000199001010013", "legal representative's number": "440000198512319997",
			"mobile": "18711111111", "another mobile": "13800000000", "name": "张三", "legal representative": "李四", "e-mail": "zhangsan@example.com",
		} {
			secret[what] = value
		}
		// Sign-ins, right and wrong, tokens of every kind.
		tokens := r.granted(r.browser(), "a", "demo-code", "openid profile phone offline_access")
		for _, kind := range []string{"access_token", "refresh_token", "id_token"} {
			secret.add(kind, text(tokens, kind))
		}
		a := request("demo-code", "openid profile")
		b := r.browser()
		secret.add("code", r.code(b, "b", a))
		secret.add("verifier", a.verifier)
		wrong := r.browser()
		p := wrong.get(r.issuer + "/login")
		wrong.submit(p, "username", url.Values{"username": {"zhangsan"}, "password": {"Mistyped-secret-99"}})
		secret.add("mistyped password", "Mistyped-secret-99")
		wrong.submit(wrong.get(r.issuer+"/login"), "username", url.Values{"username": {"110000199001010080"}, "password": {"Mistyped-secret-99"}})
		secret.add("a number as login name", "110000199001010080")
		// A new mobile and address, with their codes, and an export.
		me := r.browser()
		p = r.walkIn(me, "a", "/me/mobile")
		p = me.submit(p, "captcha", url.Values{"value": {"13722223333"}, "captcha": {demoCaptcha}})
		p.wants(t, http.StatusOK, "/me/mobile/code")
		secret.add("new mobile", "13722223333")
		one, two := r.coded("+8613722223333"), r.coded("+8618711111111")
		if held := r.dump(); held["errands"] == "" {
			t.Error("the change waits nowhere")
		} else {
			secret.search(t, "while codes wait", held)
		}
		me.submit(p, "code", url.Values{"code": {one}, "old_code": {two}}).wants(t, http.StatusOK, "/me/mobile/done")
		p = me.get(r.issuer + "/me/email")
		p = me.submit(p, "captcha", url.Values{"value": {"canary@mail.example"}, "captcha": {demoCaptcha}})
		secret.add("new e-mail", "canary@mail.example")
		three := r.coded("canary@mail.example")
		me.submit(p, "code", url.Values{"code": {three}}).wants(t, http.StatusOK, "/me/email/done")
		me.submit(me.get(r.issuer+"/me/privacy/export"), "form_token", nil)
		home, err := url.Parse(r.issuer)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range me.http.Jar.Cookies(home) {
			if len(c.Value) >= 20 { // the shorter ones are choices, such as the window
				secret.add("cookie "+c.Name, c.Value)
			}
		}
		r.canariesOfRegistration(secret)
		r.canariesOfRecovery(secret)
		r.canariesOfTheDesk(secret)
		r.closing(r.browser(), "b", "+8613800000000")

		held := r.dump()
		held["the log"] = r.logs.String()
		held["the metrics"] = r.metrics(secret)
		if len(held) < 20 || held["accounts"] == "" || held["the log"] == "" {
			t.Fatalf("looked at %d tables", len(held))
		}
		// Codes are six digits, which stand in times and counts by chance: they are
		// looked for as a value of their own.
		for i, code := range []string{one, two, three} {
			for table, text := range held {
				if strings.Contains(text, "="+code+"\n") || strings.Contains(text, `"`+code+`"`) {
					t.Errorf("code %d stands in %s", i+1, table)
				}
			}
		}
		secret.search(t, "at the end", held)
		// The search finds what is there.
		found := 0
		for _, text := range held {
			if strings.Contains(text, "zhangsan") {
				found++
			}
		}
		if found == 0 {
			t.Error("the search finds not even the login name, which is stored in the clear")
		}
	})
}

func (c canaries) search(t *testing.T, when string, held map[string]string) {
	t.Helper()
	for what, value := range c {
		for how, form := range readable(value) {
			if len(form) < 6 {
				continue
			}
			for table, text := range held {
				if strings.Contains(text, form) {
					t.Errorf("%s: %s stands in %s (%s)", when, what, table, how)
				}
			}
		}
	}
}
