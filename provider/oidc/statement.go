package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/web"
)

const maxStatement = 16 << 10

// The errors of RFC 7591 §3.2.2 for software statements: one that is wrong in
// itself, and one that is not for us to take.
func invalidStatement(why string) error {
	return oauthError{"invalid_software_statement", http.StatusBadRequest, "the software statement " + why}
}

func unapprovedStatement(why string) error {
	return oauthError{"unapproved_software_statement", http.StatusBadRequest, "the software statement " + why}
}

// statement is what one says of itself, and who says it.
type statement struct {
	jwt.Claims
	Software string `json:"software_id"`
	issuer   client.StatementIssuer
	payload  []byte
}

// stated lays the claims of the request's software statement over the request. A
// client that was registered by the statement held is held to it: a change may
// leave it out, repeat it or bring the next one for the same software, and never
// get rid of it. The one that it has is not judged by the clock again, nor by keys
// that may have been replaced since. One statement serves all copies of a piece of
// software, so its jti is not used up (RFC 7591 §2.3).
func (p *Provider) stated(ctx context.Context, policy client.Policy, asked client.Request, held string) (client.Request, error) {
	if asked.Statement == "" {
		asked.Statement = held
	}
	if asked.Statement == "" {
		if policy.StatementRequired {
			return asked, &fault.Error{Kind: fault.Invalid, Field: "software_statement", Msg: "is missing; the initial access token wants one"}
		}
		return asked, nil
	}
	var had statement
	var err error
	if held != "" {
		if had, _, err = p.openStatement(policy, held); err != nil {
			return asked, err
		}
	}
	said := had
	if asked.Statement != held {
		if said, err = p.verifyStatement(ctx, policy, asked.Statement); err != nil {
			return asked, err
		}
		if held != "" && (said.Issuer != had.Issuer || said.Software != had.Software) {
			return asked, unapprovedStatement("is about another software than the one that this client was registered by")
		}
	}
	out, err := said.issuer.Lay(asked, said.payload)
	if err != nil {
		p.Log.InfoContext(ctx, "software statement refused", "issuer", said.Issuer, "reason", err.Error(), "request_id", web.RequestID(ctx))
	}
	switch {
	case fault.Is(err, fault.Refused):
		return asked, unapprovedStatement("speaks about a member that its issuer is not trusted with")
	case fault.Is(err, fault.Invalid):
		return asked, invalidStatement("holds a claim of the wrong type, one twice or another statement")
	}
	return out, err
}

// openStatement reads a statement and finds its issuer among those that
// configuration and policy trust. Nothing is verified yet.
func (p *Provider) openStatement(policy client.Policy, text string) (statement, *jose.JSONWebSignature, error) {
	var s statement
	if len(text) > maxStatement || !plainHeader(text) {
		return s, nil, invalidStatement("is longer than 16 KiB, or its header is not acceptable")
	}
	signed, err := jose.ParseSignedCompact(text, assertionAlgorithms)
	if err != nil {
		return s, nil, invalidStatement("is no JWT under an algorithm that is taken")
	}
	// RFC 8725 §3.11: what is another kind of token is no statement.
	if typ, there := signed.Signatures[0].Header.ExtraHeaders[jose.HeaderType]; there && typ != "JWT" && typ != "jwt" {
		return s, nil, invalidStatement("is a JWT of another type")
	}
	s.payload = signed.UnsafePayloadWithoutVerification()
	if json.Unmarshal(s.payload, &s) != nil {
		return s, nil, invalidStatement("holds a claim of the wrong type")
	}
	i := slices.IndexFunc(p.Publishers, func(o client.StatementIssuer) bool { return o.Issuer == s.Issuer })
	if i < 0 || len(policy.StatementIssuers) > 0 && !slices.Contains(policy.StatementIssuers, s.Issuer) {
		return s, nil, unapprovedStatement("is of an issuer that is not trusted here")
	}
	s.issuer = p.Publishers[i]
	return s, signed, nil
}

// verifyStatement is openStatement for one that nobody has seen before.
func (p *Provider) verifyStatement(ctx context.Context, policy client.Policy, text string) (statement, error) {
	s, signed, err := p.openStatement(policy, text)
	if err != nil {
		return s, err
	}
	head := signed.Signatures[0].Header
	if !slices.Contains(s.issuer.Algorithms, head.Algorithm) {
		return s, invalidStatement("is signed under an algorithm that its issuer does not use")
	}
	keys := keySource{s.issuer.JWKS, s.issuer.JWKSURI}
	if !p.verifies(ctx, keys, head.KeyID, head.Algorithm, func(key any) bool { _, err := signed.Verify(key); return err == nil }) {
		if keys.uri != "" {
			if _, failed := p.jwks.held(keys.uri); failed {
				return s, fault.New(fault.Unavailable, "the keys of the issuer of software statements cannot be fetched")
			}
		}
		return s, invalidStatement("has a signature that no key of its issuer verifies")
	}
	return s, p.current(s)
}

// current holds audience and times of a statement to this provider and its clock.
func (p *Provider) current(s statement) error {
	ours := append([]string{p.Issuer, p.Issuer + "/oauth2/register"}, s.issuer.Audience...)
	if len(s.Audience) > 0 && !slices.ContainsFunc(s.Audience, func(a string) bool { return slices.Contains(ours, a) }) {
		return invalidStatement("is meant for somebody else")
	}
	now, skew, age := p.Now(), p.Times.Skew, s.issuer.MaxAge()
	over := func(t time.Time) bool { return !now.Before(t.Add(skew)) }
	switch {
	case s.Expiry == nil && age == 0, s.IssuedAt == nil && age > 0:
		return invalidStatement("does not say until when it holds")
	case s.Expiry != nil && over(s.Expiry.Time()), age > 0 && over(s.IssuedAt.Time().Add(age)):
		return invalidStatement("has expired")
	}
	for _, t := range []*jwt.NumericDate{s.IssuedAt, s.NotBefore} {
		if t != nil && t.Time().After(now.Add(skew)) {
			return invalidStatement("does not hold yet")
		}
	}
	return nil
}
