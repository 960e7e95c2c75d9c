package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// S5, S6: what is repeated, too long or not text is refused before anything is
// computed from it.
func TestForm(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	scopes := func(n int, between string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = "s"
		}
		return strings.Join(list, between)
	}
	for _, c := range []struct {
		name, body, want string
	}{
		{"grant_type twice", "grant_type=a&grant_type=a", "invalid_request"}, // RFC 6749 §3.2
		{"scope twice", "scope=openid&scope=openid", "invalid_request"},
		{"code twice, one empty", "code=a&code=", "invalid_request"},
		{"an unknown parameter twice", "x=1&x=2", "invalid_request"},
		{"audience twice, outside of token exchange", "audience=a&audience=b", "invalid_request"},
		{"NUL", "state=a%00b", "invalid_request"},
		{"NUL in the second resource", "resource=https://a&resource=%00", "invalid_request"},
		{"state of 1025 bytes", "state=" + long(1025), "invalid_request"},
		{"nonce of 1025 bytes", "nonce=" + long(1025), "invalid_request"},
		{"65 scopes", "scope=" + url.QueryEscape(scopes(65, " ")), "invalid_scope"},
		{"65 scopes between tabs", "scope=" + url.QueryEscape(scopes(65, "\t")), "invalid_scope"},
		{"a scope parameter of more than 4096 bytes", "scope=" + long(4097), "invalid_scope"},
		{"200000 scopes", "scope=" + url.QueryEscape(scopes(200000, " ")), "invalid_scope"}, // P7

		{"resource twice", "resource=https://a&resource=https://b", ""}, // RFC 8707 §2
		{"state of 1024 bytes", "state=" + long(1024), ""},
		{"64 scopes", "scope=" + url.QueryEscape(scopes(64, " ")), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			form, err := url.ParseQuery(c.body)
			if err != nil {
				t.Fatal(err)
			}
			if got := codeOfError(checkForm(form)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	t.Run("an empty parameter is an absent one", func(t *testing.T) { // RFC 6749 §3.1
		form := url.Values{"state": {""}, "scope": {"openid"}}
		if err := checkForm(form); err != nil || form.Has("state") || !form.Has("scope") {
			t.Errorf("%v, %v", form, err)
		}
	})
}

// The direct endpoints take a form body of bounded length and nothing else.
func TestDirectEndpointsReadOneBoundedForm(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/par"} {
		limit := maxTokenBody
		if path == "/oauth2/par" {
			limit = maxAuthorizeBody
		}
		for _, c := range []struct {
			name, target, contentType, body string
			status                          int
		}{
			{"JSON", path, "application/json", `{"token":"x"}`, 400},
			{"multipart", path, "multipart/form-data; boundary=x", "--x--", 400},
			{"no content type", path, "", "token=x", 400},
			{"a secret in the URL", path + "?client_secret=x", formType, "token=x", 400}, // S17, RFC 6749 §2.3.1
			{"any parameter in the URL", path + "?token=x", formType, "token=x", 400},
			{"repeated", path, formType, "token=x&token=y", 400},
			{"broken escape", path, formType, "token=%zz", 400},
			{"semicolons", path, formType, "token=x;token=y", 400},
			{"too long", path, formType, "token=" + strings.Repeat("a", limit), 413},
		} {
			t.Run(path+": "+c.name, func(t *testing.T) {
				r := httptest.NewRequest(http.MethodPost, issuer+c.target, strings.NewReader(c.body))
				if c.contentType != "" {
					r.Header.Set("Content-Type", c.contentType)
				}
				w := httptest.NewRecorder()
				h.handler.ServeHTTP(w, r)
				if w.Code != c.status {
					t.Fatalf("%d: %s", w.Code, w.Body)
				}
				if c.status == http.StatusBadRequest && object(t, w.Body.Bytes())["error"] != "invalid_request" {
					t.Errorf("%s", w.Body)
				}
				if got := w.Header().Get("Cache-Control"); c.status == http.StatusBadRequest && got != "no-store" { // S22
					t.Errorf("Cache-Control %q", got)
				}
			})
		}
	}
}
