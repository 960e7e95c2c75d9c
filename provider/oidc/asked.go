package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ory/fosite"

	"kejitong/provider/client"
	"kejitong/provider/consent"
	"kejitong/provider/diagnosis"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
)

// asked is an authorization request that passed every check which needs no
// user (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
type asked struct {
	form      url.Values
	client    *client.Client
	redirect  string
	kind      responseType
	mode      responseMode // of the answer, also if that is an error
	scopes    []string     // asked for, known and registered
	prompt    []string
	maxAge    *int64 // seconds
	claims    json.RawMessage
	details   []entitlement.Detail
	resources []string // audiences of the access token, all registered
	hint      *hinted  // a verified id_token_hint
	pushed    string   // key of the pushed request it came from
	device    string   // key of the device request that it is about, instead of any redirect URI
	fosite    fosite.AuthorizeRequester
	watched   *watched // the browser state met, for session_state; nil if nobody looked
}

// localError is a refusal that must not be sent to any redirect URI, because
// none is trusted (RFC 6749 §4.1.2.1). All of them look the same to the user.
type localError struct{ why string }

// Error is for the log.
func (e localError) Error() string { return "authorization request refused locally: " + e.why }

// examine checks a request. On a localError the asked is nil; on any other
// error it knows client, redirect and mode, so that the error can be sent back.
func (p *Provider) examine(ctx context.Context, form url.Values) (*asked, error) {
	c, err := p.askingClient(ctx, form)
	if err != nil {
		return nil, err
	}
	a, err := p.addressed(c, form)
	if err != nil {
		return nil, err
	}
	if err := checkForm(a.form); err != nil {
		return a, err
	}
	if weight(a.form) > maxRequest { // whoever asks is not known yet, and may fill a table
		return a, invalidRequest("the request is too long")
	}
	response := func() error { return p.checkResponse(a) }
	for _, check := range []func() error{a.checkUnsupported, response, a.checkPKCE, a.checkKey, a.checkPrompt, a.checkAge, a.checkClaims, a.checkResources, a.checkDetails} {
		if err := check(); err != nil {
			return a, err
		}
	}
	if err := p.checkACR(a); err != nil {
		return a, err
	}
	if err := p.checkHint(a); err != nil {
		return a, err
	}
	// OpenID Connect Core §11: offline access is ignored where no code is returned.
	a.scopes = consent.Requested(c.Metadata.Scope, a.form.Get("scope"), a.kind.code && c.May("refresh_token"))
	if err := a.checkOpenID(); err != nil {
		return a, err
	}
	return a, p.checkWithFosite(ctx, a)
}

// askingClient finds the client that a request names. Repeats of the two
// parameters that decide where an answer goes are never answered elsewhere than
// here.
func (p *Provider) askingClient(ctx context.Context, form url.Values) (*client.Client, error) {
	if len(form["client_id"]) > 1 || len(form["redirect_uri"]) > 1 {
		return nil, blame(p.suspect(ctx, form.Get("client_id")), because(localError{"client_id or redirect_uri repeated"}, diagnosis.Parameter, "client_id, redirect_uri: 1",
			fmt.Sprintf("client_id: %d, redirect_uri: %d", len(form["client_id"]), len(form["redirect_uri"]))))
	}
	c, err := p.Clients.Find(ctx, form.Get("client_id"))
	if fault.Is(err, fault.NotFound) {
		return nil, localError{"unknown or disabled client"}
	}
	return c, err
}

// addressed is a request of client c that knows where its answer goes, and
// nothing more; a localError if that is nowhere.
func (p *Provider) addressed(c *client.Client, form url.Values) (*asked, error) {
	if len(form["redirect_uri"]) > 1 || !matchRedirect(c, form.Get("redirect_uri")) {
		return nil, blame(c, because(localError{"redirect_uri missing or not registered"}, diagnosis.RedirectURI,
			strings.Join(c.Metadata.RedirectURIs, " "), orNone(form.Get("redirect_uri"))))
	}
	form = only(form, authorizeParams)
	return &asked{form: form, client: c, redirect: form.Get("redirect_uri"), mode: p.modeOf(c, form)}, nil
}

func (a *asked) checkUnsupported() error {
	for name, code := range map[string]string{"request": "request_not_supported", "request_uri": "request_uri_not_supported", "registration": "registration_not_supported"} {
		if a.form.Get(name) != "" {
			return oauthError{code, http.StatusBadRequest, "the " + name + " parameter is not supported"}
		}
	}
	return nil
}

// pkceRequired: public clients always; confidential ones unless their
// registration relaxes it.
func pkceRequired(c *client.Client) bool {
	return c.Public() || c.Metadata.FAPI() || !c.Metadata.PKCEOptional
}

// checkPKCE: RFC 7636 §4.3 and §4.4.1; plain is not offered. What is sent binds,
// required or not. Where no code is issued there is nothing to bind.
func (a *asked) checkPKCE() error {
	if !a.kind.code {
		return nil
	}
	challenge, method := a.form.Get("code_challenge"), a.form.Get("code_challenge_method")
	if challenge == "" && method == "" && !pkceRequired(a.client) {
		return nil
	}
	if challenge == "" {
		return because(invalidRequest("a code_challenge is required (PKCE)"), diagnosis.PKCEMissing, "code_challenge, code_challenge_method=S256", "-")
	}
	if method != "S256" {
		return because(invalidRequest("the code_challenge_method must be S256"), diagnosis.PKCEMissing, "S256", orNone(method))
	}
	if len(challenge) != 43 || strings.ContainsFunc(challenge, notBase64URL) {
		return because(invalidRequest("the code_challenge must be the base64url of a SHA-256"), diagnosis.PKCEMissing, "43 × [A-Za-z0-9_-]", fmt.Sprint(len(challenge)))
	}
	return nil
}

// checkKey: RFC 9449 §10: dpop_jkt is the RFC 7638 SHA-256 thumbprint of a key.
func (a *asked) checkKey() error {
	if jkt := a.form.Get("dpop_jkt"); jkt != "" && (len(jkt) != 43 || strings.ContainsFunc(jkt, notBase64URL)) {
		return invalidRequest("the dpop_jkt must be the base64url of a SHA-256")
	}
	return nil
}

func notBase64URL(r rune) bool {
	return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

func (a *asked) checkPrompt() error {
	a.prompt = strings.Fields(a.form.Get("prompt"))
	for _, v := range a.prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account", "create"}, v) {
			return because(invalidRequest("the prompt value is unknown"), diagnosis.Parameter, "prompt: none login consent select_account create", "prompt: "+v)
		}
	}
	if a.asks("none") && len(a.prompt) > 1 {
		return invalidRequest("prompt none stands alone")
	}
	return nil
}

func (a *asked) asks(prompt string) bool { return slices.Contains(a.prompt, prompt) }

func (a *asked) checkAge() error {
	a.maxAge = a.client.Metadata.DefaultMaxAge
	if s := a.form.Get("max_age"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return because(invalidRequest("max_age must be a whole number of seconds"), diagnosis.Parameter, "max_age: 0, 1, 2 …", "max_age: "+s)
		}
		a.maxAge = &n
	}
	return nil
}

func (a *asked) checkClaims() error {
	s := a.form.Get("claims")
	if s == "" {
		return nil
	}
	if len(s) > maxParam || depth(s) > maxClaimsDepth {
		return invalidRequest("the claims parameter is too large")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &top); err != nil || top == nil {
		return invalidRequest("the claims parameter is not a JSON object")
	}
	for _, place := range top {
		if !plainClaims(place) {
			return invalidRequest("the claims parameter is too deep")
		}
	}
	a.claims = json.RawMessage(s)
	return nil
}

// plainClaims: nothing but verified_claims has a reason to be deep.
func plainClaims(place json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(place, &members) != nil {
		return 1+depth(string(place)) <= maxPlainDepth
	}
	for name, v := range members {
		if name != "verified_claims" && 2+depth(string(v)) > maxPlainDepth {
			return false
		}
	}
	return true
}

// checkResources: RFC 8707 §2: only registered resources; naming none means all
// of them.
func (a *asked) checkResources() error {
	a.resources = a.client.Metadata.Audience
	if asked := a.form["resource"]; len(asked) > 0 {
		a.resources = asked
	}
	if err := exactAudience(a.client.Metadata.Audience, a.resources); err != nil {
		return because(err, diagnosis.Resource, orNone(strings.Join(a.client.Metadata.Audience, " ")), strings.Join(a.resources, " "))
	}
	return nil
}

// depth counts how deep JSON nests, without parsing it.
func depth(s string) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			now++
			deepest = max(deepest, now)
		case !quoted && (c == '}' || c == ']'):
			now--
		}
	}
	return deepest
}

// checkWithFosite lets fosite make its own checks and build its request: client,
// scope and audience. fosite sees the code of a response alone; the tokens beside
// it, and how it all travels, are none of its business.
func (p *Provider) checkWithFosite(ctx context.Context, a *asked) error {
	if !a.kind.code {
		return nil
	}
	form := url.Values{}
	for k, v := range a.form {
		form[k] = v
	}
	form.Set("scope", strings.Join(a.scopes, " "))
	if form.Get("state") == "" {
		form.Set("state", "-") // fosite insists on one; what was sent is what is returned
	}
	form.Set("response_type", "code")
	form.Del("response_mode")
	form.Del("id_token_hint")
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/oauth2/authorize"}, Form: form, PostForm: form}
	ctx, u := withUnit(ctx)
	u.redirect = a.redirect
	ar, err := p.fosite.NewAuthorizeRequest(ctx, r)
	if err != nil {
		return err
	}
	a.fosite = ar
	return nil
}
