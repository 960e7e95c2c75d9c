package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// words are those of the attempt's response_type.
func (a attempt) words() []string { return strings.Fields(a.params.Get("response_type")) }

// mode says by which carrier the answer to a must come, and whether in a JWT:
// as asked, else by the response type's default (OAuth 2.0 Multiple Response
// Type Encoding Practices sections 2.1 and 5, JARM section 2.3). What cannot
// be, comes by the default, too.
func (s *arena) modeOf(a attempt) (carrier string, signed bool) {
	usual, front := "query", s.app.cfg.Protocol.FrontChannelTokens
	if slices.Contains(a.words(), "token") || slices.Contains(a.words(), "id_token") {
		usual = "fragment"
	}
	name := a.params.Get("response_mode")
	if name == "jwt" {
		return usual, true
	}
	carrier, signed = strings.CutSuffix(name, ".jwt")
	switch {
	case carrier == "form_post", carrier == "fragment" && front, carrier == "query" && usual == "query":
		return carrier, signed
	case carrier == "query":
		return usual, signed
	}
	return usual, false
}

// carried reads the parameters of the authorization response in p off the
// carrier by which they must come, and holds all others to be empty.
func (s *arena) carried(a attempt, p page) url.Values {
	s.t.Helper()
	uri := a.params.Get("redirect_uri")
	carrier, signed := s.modeOf(a)
	var q url.Values
	if carrier == "form_post" {
		if p.StatusCode != http.StatusOK || p.Header.Get("Location") != "" {
			s.t.Fatalf("got %d to %q, want a form_post page:\n%s", p.StatusCode, p.Header.Get("Location"), p.body)
		}
		name := "iss"
		if signed {
			name = "response"
		}
		f := findForm(s.t, p.body, name)
		if f.action != uri {
			s.t.Errorf("the form goes to %q, want %q", f.action, uri)
		}
		q = f.values
	} else {
		loc := p.Header.Get("Location")
		rest, ok := strings.CutPrefix(loc, uri)
		if p.StatusCode != http.StatusSeeOther || !ok || strings.HasPrefix(rest, "#") != (carrier == "fragment") {
			s.t.Fatalf("got %d to %q, want 303 to %s with the answer in the %s:\n%s", p.StatusCode, loc, uri, carrier, p.body)
		}
		var err error
		if q, err = url.ParseQuery(strings.TrimLeft(rest, "?&#")); err != nil {
			s.t.Fatal(err)
		}
	}
	if !signed {
		return q
	}
	if len(q) != 1 || len(q["response"]) != 1 {
		s.t.Fatalf("the answer holds %v, want a response and nothing beside it (JARM section 2.3)", q)
	}
	return s.unwrapped(a, q.Get("response"))
}

// unwrapped verifies a signed authorization response by the published keys and
// gives the parameters in it (JARM sections 2.1 and 2.4).
func (s *arena) unwrapped(a attempt, response string) url.Values {
	s.t.Helper()
	jws, err := jose.ParseSignedCompact(response, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil {
		s.t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.plain("/oauth2/jwks").body), &set); err != nil {
		s.t.Fatal(err)
	}
	h := jws.Signatures[0].Protected
	found := set.Key(h.KeyID)
	if h.KeyID == "" || len(found) != 1 || found[0].Algorithm != h.Algorithm {
		s.t.Fatalf("signed with %s by kid %q, which is not among the published keys", h.Algorithm, h.KeyID)
	}
	body, err := jws.Verify(found[0])
	if err != nil {
		s.t.Fatal(err)
	}
	want := "RS256" // JARM section 3
	c, err := s.app.db.Client(s.t.Context(), a.params.Get("client_id"))
	if err != nil {
		s.t.Fatal(err)
	}
	if c.Metadata.AuthorizationSignedResponseAlg != "" {
		want = c.Metadata.AuthorizationSignedResponseAlg
	}
	if h.Algorithm != want {
		s.t.Errorf("signed with %s, want %s", h.Algorithm, want)
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		s.t.Fatal(err)
	}
	exp, _ := m["exp"].(float64)
	if life := time.Unix(int64(exp), 0).Sub(now()); life < 10*time.Second || life > 10*time.Minute {
		s.t.Errorf("exp in %s, want 10 seconds to 10 minutes", life)
	}
	if m["aud"] != a.params.Get("client_id") {
		s.t.Errorf("aud %v", m["aud"])
	}
	q := url.Values{}
	for name, v := range m {
		if name == "aud" || name == "exp" {
			continue
		}
		text, ok := v.(string)
		if !ok {
			s.t.Errorf("%s is %T, want a string", name, v)
		}
		q.Set(name, text)
	}
	return q
}

// answer reads the authorization response in p and holds it to what every one
// must be: at the redirect URI and nowhere else, by the right carrier, not to be
// kept, with the issuer (S8), the state as sent, and what the response type
// names or an error, never both.
func (s *arena) answer(a attempt, p page) url.Values {
	s.t.Helper()
	q := s.carried(a, p)
	if !strings.Contains(p.Header.Get("Cache-Control"), "no-store") {
		s.t.Errorf("Cache-Control %q, want no-store", p.Header.Get("Cache-Control"))
	}
	if !slices.Equal(q["iss"], []string{s.issuer}) {
		s.t.Errorf("iss %q, want %q (RFC 9207)", q["iss"], s.issuer)
	}
	if sent := a.params["state"]; len(sent) == 1 && sent[0] != "" && !slices.Equal(q["state"], sent) || len(sent) == 0 && q.Has("state") {
		s.t.Errorf("state %q, want %q", q["state"], sent)
	}
	want := map[string]bool{"state": q.Has("state"), "session_state": q.Has("session_state"), "iss": true}
	if q.Has("error") {
		want["error"], want["error_description"] = true, true
	} else {
		for _, word := range a.words() {
			switch word {
			case "token": // RFC 6749 section 4.2.2
				for _, name := range []string{"access_token", "token_type", "expires_in", "scope"} {
					want[name] = true
				}
			default:
				want[word] = true
			}
		}
	}
	for name := range q {
		if !want[name] {
			s.t.Errorf("unexpected member %s", name)
		}
	}
	for name, must := range want {
		if must && q.Get(name) == "" {
			s.t.Errorf("%s is missing", name)
		}
	}
	if q.Has("error") && !described.MatchString(q.Get("error_description")) {
		s.t.Errorf("error_description %q", q.Get("error_description"))
	}
	return q
}
