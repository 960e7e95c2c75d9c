package api

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"kejitong/provider/fault"
)

// Bodies that two parsers could read in two ways, or that say more than is known,
// are refused at the member (S65).
func TestBodiesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ body, kind, field string }{
		"nothing":                 {``, "application/json", ""},
		"null":                    {`null`, "application/json", ""},
		"a list":                  {`[]`, "application/json", ""},
		"text":                    {`"name"`, "application/json", ""},
		"cut off":                 {`{"name":"a"`, "application/json", ""},
		"two":                     {`{} {}`, "application/json", ""},
		"followed by text":        {`{"name":"a"} x`, "application/json", ""},
		"a member twice":          {`{"name":"a","name":"b"}`, "application/json", "name"},
		"twice by an escape":      {`{"name":"a","n\u0061me":"b"}`, "application/json", "name"},
		"twice inside":            {`{"inner":{"x":1,"x":2}}`, "application/json", "x"},
		"an unknown member":       {`{"role":"admin"}`, "application/json", "role"},
		"a number for a text":     {`{"name":1}`, "application/json", "name"},
		"too deep":                {`{"inner":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`, "application/json", ""},
		"a form":                  {`{"name":"a"}`, "application/x-www-form-urlencoded", ""},
		"no type":                 {`{"name":"a"}`, "", ""},
		"a type that looks alike": {`{"name":"a"}`, "application/jsonx", ""},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		var q struct {
			Name  string `json:"name"`
			Inner any    `json:"inner"`
		}
		var f *fault.Error
		if _, err := body(r, &q); !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != c.field {
			t.Errorf("%s: %v, want it refused at %q", name, err, c.field)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(` {"name":"a","inner":{"x":[{"y":1},{"y":2}]}} `))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	var q struct {
		Name  string `json:"name"`
		Inner any    `json:"inner"`
	}
	if _, err := body(r, &q); err != nil || q.Name != "a" {
		t.Errorf("%+v, %v", q, err)
	}
}

// Parameters that a route does not have, and repeated ones, are refused (S83).
func TestQueriesThatAreRefused(t *testing.T) {
	for query, ok := range map[string]bool{
		"": true, "limit=1": true, "limit=200": true, "unit_id=u": true,
		"limit=0": false, "limit=201": false, "limit=-1": false, "limit=x": false, "limit=1&limit=2": false, "role=admin": false, "unit_id=a&unit_id=b": false,
		"unit_id=" + strings.Repeat("x", 1025): false, "Limit=1": false,
	} {
		r := httptest.NewRequest("GET", "/grants?"+query, nil)
		_, _, err := (&Handler{}).paging(r, visit{"ops"}, "unit_id")
		if (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// An If-Match that is no version of a client is a version that is gone.
func TestVersionsOfClients(t *testing.T) {
	for tag, want := range map[string]int64{`"7"`: 7, `*`: 0, ``: 0, `"0"`: -1, `"-1"`: -1, `W/"7"`: -1, `"x"`: -1, `"7", "8"`: -1} {
		r := httptest.NewRequest("PUT", "/clients/a", nil)
		r.Header.Set("If-Match", tag)
		n, err := clientVersion(r, false)
		if want < 0 && !fault.Is(err, fault.Conflict) || want >= 0 && (err != nil || n != want) {
			t.Errorf("%s: %d, %v", tag, n, err)
		}
	}
	if _, err := clientVersion(httptest.NewRequest("PUT", "/clients/a", nil), true); !errors.Is(err, errPrecondition) {
		t.Errorf("none: %v", err)
	}
}
