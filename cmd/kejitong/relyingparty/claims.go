package relyingparty

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// claims is what this system reads of an ID token or of userinfo.
type claims struct {
	Subject       string          `json:"sub"`
	SID           string          `json:"sid"`
	AuthorizedFor string          `json:"azp"`
	IssuedAt      json.Number     `json:"iat"`
	AuthTime      json.Number     `json:"auth_time"`
	AccountType   string          `json:"account_type"`
	ACR           string          `json:"acr"`
	AMR           []string        `json:"amr"`
	Realname      *realname       `json:"realname"`
	Org           *unit           `json:"org"`
	Act           *actor          `json:"act"`
	Entitlements  []string        `json:"entitlements"` // nil where the claim is absent
	Verified      json.RawMessage `json:"verified_claims"`
}

// realname says who somebody is; acr, how they signed in. One never stands in
// for the other.
type realname struct {
	Status string `json:"status"`
	Level  string `json:"level"`
	Method string `json:"method"`
}

// unit is the one enterprise or institution that a token speaks for.
type unit struct {
	USCC     string `json:"uscc"`
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Relation string `json:"relation,omitempty"`
	Region   string `json:"region,omitempty"`
	Status   string `json:"status,omitempty"`
}

// actor is the handler who acts in a legal account's session.
type actor struct {
	Subject string `json:"sub"`
}

type verified struct {
	Verification struct {
		TrustFramework string `json:"trust_framework"`
	} `json:"verification"`
	Claims struct {
		Name             string `json:"name"`
		OrganizationName string `json:"organization_name"`
	} `json:"claims"`
}

// verifiedName is the name that the provider vouches for: of a person, or of
// the unit whose account this is. A name anywhere else is only what somebody
// typed. verified_claims may be one object or several (OpenID Connect for
// Identity Assurance 1.0, section 5).
func (c claims) verifiedName() string {
	var several []verified
	if json.Unmarshal(c.Verified, &several) != nil {
		var one verified
		if json.Unmarshal(c.Verified, &one) != nil {
			return ""
		}
		several = []verified{one}
	}
	for _, v := range several {
		if v.Verification.TrustFramework == "" {
			continue
		}
		if v.Claims.Name != "" {
			return v.Claims.Name
		}
		if v.Claims.OrganizationName != "" {
			return v.Claims.OrganizationName
		}
	}
	return ""
}

// pretty indents JSON as it came, members in their order.
func pretty(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}

// headerType is the typ of a JWT's header, lower case and without the prefix
// application/ that RFC 7515 §4.1.9 lets a sender leave out.
func headerType(jwt string) (string, error) {
	first, _, ok := strings.Cut(jwt, ".")
	if !ok {
		return "", errors.New("not a JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", errors.New("JWT header is not base64url")
	}
	var h struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return "", errors.New("JWT header is not JSON")
	}
	return strings.TrimPrefix(strings.ToLower(h.Type), "application/"), nil
}
