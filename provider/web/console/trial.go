package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/templates"
)

// authorizationStep is the request and what came back in the URL.
func (d *Diagnosis) authorizationStep(t trial, c *client.Client, q url.Values) templates.TryStep {
	s := templates.TryStep{Name: "authorize", Request: "GET " + d.Issuer + "/oauth2/authorize\n" + lines(d.request(t, c, "…"), nil), Response: lines(q, []string{"code"})}
	s.Checks = []templates.TryCheck{{Name: "state", OK: true}, {Name: "iss_response", OK: q.Get("iss") == d.Issuer}, {Name: "no_error", OK: q.Get("error") == ""}}
	return s
}

// lines writes parameters one a line; hidden ones by their beginning.
func lines(v url.Values, hidden []string) string {
	var b strings.Builder
	for _, pair := range strings.Split(v.Encode(), "&") {
		name, value, _ := strings.Cut(pair, "=")
		value, _ = url.QueryUnescape(value)
		for _, h := range hidden {
			if name == h && value != "" {
				value = value[:min(6, len(value))] + "…"
			}
		}
		b.WriteString(name + "=" + value + "\n")
	}
	return b.String()
}

// redeem plays the client: token request, checks of the ID token, userinfo. It
// goes through the provider's own door, as a request from outside would.
func (d *Diagnosis) redeem(r *http.Request, t trial, c *client.Client, code, secret string) []templates.TryStep {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {d.Issuer + TryCallback}, "code_verifier": {d.verifier(t)}}
	method := c.Metadata.TokenEndpointAuthMethod
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	switch {
	case c.Public():
		form.Set("client_id", c.ID)
	case method == client.AuthPost:
		form.Set("client_id", c.ID)
		form.Set("client_secret", secret)
	default:
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.ID)+":"+url.QueryEscape(secret))))
	}
	shown := "POST " + d.Issuer + "/oauth2/token\n"
	if header.Get("Authorization") != "" {
		shown += "Authorization: Basic …\n"
	}
	status, body := d.ask(r, http.MethodPost, "/oauth2/token", header, form.Encode())
	step := templates.TryStep{Name: "token", Request: shown + lines(form, []string{"code", "client_secret", "code_verifier"}), Status: status}
	var got map[string]any
	_ = json.Unmarshal(body, &got) // nothing, if it is none
	access, _ := got["access_token"].(string)
	id, _ := got["id_token"].(string)
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		if s, ok := got[name].(string); ok {
			got[name] = s[:min(6, len(s))] + "…"
		}
	}
	step.Response = indented(got)
	step.Checks = []templates.TryCheck{{Name: "status_200", OK: status == http.StatusOK}}
	steps := []templates.TryStep{step}
	if status != http.StatusOK {
		return steps
	}
	sub := ""
	if id != "" {
		var s templates.TryStep
		s, sub = d.checkIDToken(r, t, c, id, access)
		steps = append(steps, s)
	}
	status, body = d.ask(r, http.MethodGet, "/oauth2/userinfo", http.Header{"Authorization": {"Bearer " + access}}, "")
	var info map[string]any
	_ = json.Unmarshal(body, &info)
	said, _ := info["sub"].(string)
	return append(steps, templates.TryStep{
		Name: "userinfo", Request: "GET " + d.Issuer + "/oauth2/userinfo\nAuthorization: Bearer …", Status: status, Response: indented(info),
		Checks: []templates.TryCheck{{Name: "status_200", OK: status == http.StatusOK}, {Name: "same_sub", OK: said != "" && said == sub}},
	})
}

// checkIDToken makes the checks that every relying party owes (OpenID Connect Core
// §3.1.3.7).
func (d *Diagnosis) checkIDToken(r *http.Request, t trial, c *client.Client, id, access string) (templates.TryStep, string) {
	step := templates.TryStep{Name: "id_token", Request: "GET " + d.Issuer + "/oauth2/jwks"}
	_, keys := d.ask(r, http.MethodGet, "/oauth2/jwks", nil, "")
	var set jose.JSONWebKeySet
	_ = json.Unmarshal(keys, &set)
	signed, err := jose.ParseSignedCompact(id, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA})
	if err != nil { // an encrypted one: only the client can read it
		step.Checks = []templates.TryCheck{{Name: "readable", OK: false}}
		return step, ""
	}
	head := signed.Signatures[0].Header
	want := c.Metadata.IDTokenSignedResponseAlg
	if want == "" {
		want = string(jose.RS256)
	}
	var payload []byte
	for _, k := range set.Key(head.KeyID) {
		if payload, err = signed.Verify(k); err == nil {
			break
		}
	}
	verified := len(payload) > 0
	if !verified {
		payload = signed.UnsafePayloadWithoutVerification()
	}
	var said struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience json.RawMessage `json:"aud"`
		Expiry   int64           `json:"exp"`
		Issued   int64           `json:"iat"`
		Nonce    string          `json:"nonce"`
		Hash     string          `json:"at_hash"`
	}
	_ = json.Unmarshal(payload, &said)
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	_ = decoder.Decode(&all)
	step.Response = indented(map[string]any{"alg": head.Algorithm, "kid": head.KeyID}) + "\n" + indented(all)
	now := d.Now()
	sum := sha256.Sum256([]byte(access))
	half := base64.RawURLEncoding.EncodeToString(sum[:16])
	step.Checks = []templates.TryCheck{
		{Name: "signature", OK: verified}, {Name: "alg", OK: head.Algorithm == want}, {Name: "iss", OK: said.Issuer == d.Issuer},
		{Name: "aud", OK: string(said.Audience) == `"`+c.ID+`"`}, {Name: "exp", OK: now.Unix() < said.Expiry},
		{Name: "iat", OK: said.Issued <= now.Add(time.Minute).Unix()}, {Name: "nonce", OK: said.Nonce == d.nonce(t)},
	}
	if head.Algorithm != string(jose.EdDSA) {
		step.Checks = append(step.Checks, templates.TryCheck{Name: "at_hash", OK: said.Hash == half})
	}
	return step, said.Subject
}

// ask sends a request through the provider's handler.
func (d *Diagnosis) ask(r *http.Request, method, path string, header http.Header, body string) (int, []byte) {
	q, err := http.NewRequestWithContext(r.Context(), method, d.Issuer+path, strings.NewReader(body))
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	if header != nil {
		q.Header = header
	}
	q.RemoteAddr, q.RequestURI = r.RemoteAddr, path
	w := &answerTo{header: http.Header{}, status: http.StatusOK}
	d.Provider().ServeHTTP(w, q)
	return w.status, w.body.Bytes()
}

// answerTo keeps an answer of the provider.
type answerTo struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header, WriteHeader and Write make it a http.ResponseWriter.
func (a *answerTo) Header() http.Header         { return a.header }
func (a *answerTo) WriteHeader(status int)      { a.status = status }
func (a *answerTo) Write(b []byte) (int, error) { return a.body.Write(b) }

// settings are what every client library asks for.
func settings(issuer string, c *client.Client) []templates.TrySetting {
	method := c.Metadata.TokenEndpointAuthMethod
	if method == "" {
		method = client.AuthBasic
	}
	return []templates.TrySetting{
		{Name: "issuer", Value: issuer}, {Name: "discovery", Value: issuer + "/.well-known/openid-configuration"}, {Name: "client_id", Value: c.ID},
		{Name: "token_endpoint_auth_method", Value: method}, {Name: "scope", Value: c.Metadata.Scope},
		{Name: "redirect_uri", Value: strings.Join(c.Metadata.RedirectURIs, "\n")}, {Name: "id_token_signed_response_alg", Value: algOf(c)},
		{Name: "authorization_endpoint", Value: issuer + "/oauth2/authorize"}, {Name: "token_endpoint", Value: issuer + "/oauth2/token"},
		{Name: "userinfo_endpoint", Value: issuer + "/oauth2/userinfo"}, {Name: "jwks_uri", Value: issuer + "/oauth2/jwks"},
		{Name: "end_session_endpoint", Value: issuer + "/oauth2/logout"},
	}
}

func algOf(c *client.Client) string {
	if a := c.Metadata.IDTokenSignedResponseAlg; a != "" {
		return a
	}
	return string(jose.RS256)
}
