package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kejitong/provider/entitlement"
)

// Systems and grants through the interface; the failures first.
func TestRightsThroughTheInterface(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		token := r.administrator("ops", "admin.systems admin.grants admin.accounts.read")
		system := func() map[string]any {
			return map[string]any{"name_zh": "新系统", "actions": []string{"apply"}, "level": "L2"}
		}
		for name, edit := range map[string]func(m map[string]any){
			"no name": func(m map[string]any) { m["name_zh"] = "" }, "no actions": func(m map[string]any) { m["actions"] = []string{} },
			"a bad action": func(m map[string]any) { m["actions"] = []string{"Apply now"} }, "a bad level": func(m map[string]any) { m["level"] = "L9" },
			"a bad address": func(m map[string]any) { m["entry_url"] = "javascript:alert(1)" }, "another code": func(m map[string]any) { m["code"] = "other" },
			"an unknown member": func(m map[string]any) { m["owner_id"] = "x" },
		} {
			m := system()
			edit(m)
			if s := r.asks(400, token, "PUT", "/systems/new_system", m); s.status == 201 {
				t.Error(name)
			}
		}
		r.asks(400, token, "PUT", "/systems/New%20System", system())
		r.asks(404, token, "GET", "/systems/new_system", nil)
		r.asks(412, token, "PUT", "/systems/new_system", system(), "If-Match", `"x"`)
		r.asks(201, token, "PUT", "/systems/new_system", system())
		r.asks(428, token, "PUT", "/systems/new_system", system())
		got := r.asks(200, token, "GET", "/systems/new_system", nil)
		m := system()
		m["actions"] = []string{"apply", "report"}
		r.asks(200, token, "PUT", "/systems/new_system", m, "If-Match", got.head.Get("ETag"))
		r.asks(412, token, "PUT", "/systems/new_system", m, "If-Match", got.head.Get("ETag"))
		if n := len(r.asks(200, token, "GET", "/systems", nil).items()); n < 3 {
			t.Errorf("%d systems", n)
		}

		who := fmt.Sprint(r.asks(200, token, "POST", "/accounts/search", `{"by":"login","value":"zhangsan"}`).items()[0]["id"])
		grant := func() map[string]any {
			return map[string]any{"account_id": who, "system": "new_system", "actions": []string{"apply"}}
		}
		for _, edit := range []func(m map[string]any){
			func(m map[string]any) { m["account_id"] = "nobody" }, func(m map[string]any) { m["system"] = "nothing" }, func(m map[string]any) { m["actions"] = []string{} },
			func(m map[string]any) { m["actions"] = []string{"delete"} }, func(m map[string]any) { m["unit_id"] = "another" }, func(m map[string]any) { m["until"] = "2001-01-01T00:00:00Z" },
			func(m map[string]any) { m["source"] = "verification" }, func(m map[string]any) { m["state"] = "active" },
		} {
			m := grant()
			edit(m)
			r.asks(400, token, "POST", "/grants", m)
		}
		r.asks(400, token, "GET", "/grants", nil)
		made := r.asks(201, token, "POST", "/grants", grant(), "Idempotency-Key", "g")
		again := r.asks(201, token, "POST", "/grants", grant(), "Idempotency-Key", "g")
		if made.text("id") == "" || made.text("id") != again.text("id") || made.body["holds"] != true {
			t.Errorf("%s and again %s", made.raw, again.raw)
		}
		path := "/grants/" + made.text("id")
		r.asks(412, token, "POST", path+"/suspend", nil, "If-Match", `"x"`)
		if s := r.asks(200, token, "POST", path+"/suspend", nil); s.text("state") != "suspended" || s.body["holds"] != false {
			t.Errorf("suspended: %s", s.raw)
		}
		if m := r.toldOf(r.person("a").Account.Profile.Phone, entitlement.NoticeDecreedOwn); m.Text == "" { // as by the desk's deed
			t.Errorf("the holder was told %+v", m)
		}
		r.asks(409, token, "POST", path+"/suspend", nil)
		r.asks(200, token, "POST", path+"/resume", nil)
		r.asks(200, token, "POST", path+"/end", nil)
		for _, deed := range []string{"suspend", "resume", "end"} { // what has ended does not begin again
			r.asks(409, token, "POST", path+"/"+deed, nil)
			r.asks(404, token, "POST", "/grants/nothing/"+deed, nil)
		}
		if s := r.asks(200, token, "GET", "/grants?account_id="+who, nil); !strings.Contains(s.raw, made.text("id")) {
			t.Errorf("listed: %s", s.raw)
		}
		if n := r.ask(`SELECT COUNT(*) FROM audit WHERE actor = 'ops' AND object = ?`, made.text("id")); n != 4 {
			t.Errorf("%d rows of the trail, want 4", n)
		}
	})
}

// What is ended through the interface ends the tokens that rest on it at once.
func TestEndingAGrantThroughTheInterfaceEndsTokens(t *testing.T) {
	onRigs(t, func(t *testing.T, r *rig) {
		token := r.administrator("ops", "admin.grants admin.accounts.read")
		users := fmt.Sprint(r.tokens(r.browser(), "b", "openid entitlements")["access_token"])
		if status, _ := r.userinfo(users); status != http.StatusOK {
			t.Fatal(status)
		}
		who := fmt.Sprint(r.asks(200, token, "POST", "/accounts/search", map[string]string{"by": "uscc", "value": demoUSCC}).items()[0]["id"])
		for _, g := range r.asks(200, token, "GET", "/grants?account_id="+who, nil).items() {
			r.asks(200, token, "POST", fmt.Sprint("/grants/", g["id"], "/end"), nil)
		}
		if status, _ := r.userinfo(users); status != http.StatusUnauthorized && status != http.StatusForbidden {
			t.Errorf("the token of an ended grant: %d", status)
		}
	})
}
