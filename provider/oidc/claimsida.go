package oidc

import (
	"encoding/json"
	"reflect"
	"time"

	"kejitong/provider/consent"
)

// maxVerifiedRequests bounds the elements of one request for verified_claims;
// each is processed on its own (Identity Assurance §5.6).
const maxVerifiedRequests = 8

// verifiedRequest gives the verified_claims member of the claims parameter for a
// place, and whether there is one.
func (r *release) verifiedRequest(place string) (json.RawMessage, bool) {
	if len(r.grant.Data.Claims) == 0 {
		return nil, false
	}
	var top, members map[string]json.RawMessage
	if json.Unmarshal(r.grant.Data.Claims, &top) != nil || json.Unmarshal(top[place], &members) != nil {
		return nil, false
	}
	raw, asked := members["verified_claims"]
	return raw, asked
}

// verifiedAsked answers a request for verified_claims, nil if there is nothing
// to answer. One object asked gives one object, an array gives an array of those
// elements whose requirements are met.
func (r *release) verifiedAsked(raw json.RawMessage, place string) any {
	available := r.verifiedClaims(func(scope string) bool { return r.has(claimScope(scope)) })
	if available == nil {
		return nil
	}
	if place == "id_token" && !r.alone {
		delete(available, "id_number_masked") // no number of a document stands beside an access token
	}
	verification := r.verification()
	var one map[string]any
	if json.Unmarshal(raw, &one) == nil {
		if v := vouch(one, verification, available, r.now); v != nil {
			return v
		}
		return nil
	}
	var many []map[string]any
	if json.Unmarshal(raw, &many) != nil || len(many) > maxVerifiedRequests {
		return nil
	}
	var out []claims
	for _, one := range many {
		if v := vouch(one, verification, available, r.now); v != nil {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// vouch cuts one verified_claims object out of what is available, as one
// element of the request asks for it; nil if its requirements are not met or
// nothing remains (Identity Assurance §5.7).
func vouch(asked map[string]any, verification, available claims, now time.Time) claims {
	how, ok := asked["verification"].(map[string]any)
	if _, named := how["trust_framework"]; !ok || !named { // §5.4: without it no answer could be valid
		return nil
	}
	q := query{now}
	said, met := q.members(how, verification)
	if !met || said["trust_framework"] == nil {
		return nil
	}
	what, _ := asked["claims"].(map[string]any)
	got := claims{}
	for name, c := range what {
		if _, known := consent.CoveringVerified(name); !known || available[name] == nil {
			continue // §5.7.1: unavailable data is left out
		}
		if q.holds(c, available[name]) { // §5.7.3: what does not match is left out alone
			got[name] = available[name]
		}
	}
	if len(got) == 0 {
		return nil // §5.7.4: a parent that would be invalid goes, too
	}
	return claims{"verification": said, "claims": got}
}

// query reads the request's expressions about verification data. Each function
// gives the part of the data that was asked for and whether all requirements
// (value, values, max_age) on it are met.
type query struct{ now time.Time }

// members walks an object.
func (q query) members(asked map[string]any, data claims) (claims, bool) {
	out := claims{}
	for name, want := range asked {
		have, there := data[name]
		if !there {
			if demands(want) {
				return nil, false // §5.5: a requirement on what is not there is not met
			}
			continue
		}
		got, met := q.element(want, have)
		if !met {
			return nil, false
		}
		if got != nil {
			out[name] = got
		}
	}
	return out, true
}

// element looks at one member of the data. A member with an inside of its own is
// given only as far as the request goes into it (§5.4).
func (q query) element(want, have any) (any, bool) {
	switch have := have.(type) {
	case claims:
		deeper, ok := want.(map[string]any)
		if !ok {
			return nil, true
		}
		got, met := q.members(deeper, have)
		if len(got) == 0 {
			return nil, met
		}
		return got, met
	case []claims:
		deeper, ok := want.([]any)
		if !ok || len(deeper) == 0 {
			return nil, !demands(want)
		}
		return q.anyOf(deeper, have)
	}
	if !q.holds(want, have) {
		return nil, false
	}
	return have, true
}

// anyOf is an array of filters over an array: filters are joined by or, and each
// is the template of what it lets through (§5.4). If nothing passes, the
// requirements are not met.
func (q query) anyOf(filters []any, data []claims) (any, bool) {
	var out []claims
	for _, one := range data {
		merged := claims(nil)
		for _, f := range filters {
			filter, ok := f.(map[string]any)
			if !ok || !q.typed(filter, one) {
				continue
			}
			if got, met := q.members(filter, one); met {
				if merged == nil {
					merged = claims{}
				}
				combine(merged, got)
			}
		}
		if len(merged) > 0 {
			out = append(out, merged)
		}
	}
	if len(out) == 0 {
		return nil, false
	}
	return out, true
}

// typed holds a filter over evidence, which has a type, to naming that type by a
// value and not by values (§5.4).
func (q query) typed(filter map[string]any, one claims) bool {
	if _, hasType := one["type"]; !hasType {
		return true
	}
	t, ok := filter["type"].(map[string]any)
	_, single := t["value"].(string)
	_, several := t["values"]
	return ok && single && !several
}

// holds tells whether data fulfils what one expression demands: null and
// essential demand nothing, value and values one of some values, max_age an age.
// A member that this provider does not know demands nothing (OpenID Connect Core
// §5.5.1); an expression of another form demands what cannot be.
func (q query) holds(want, have any) bool {
	var demand map[string]any
	switch w := want.(type) {
	case nil:
		return true
	case map[string]any:
		demand = w
	default:
		return false
	}
	if v, there := demand["value"]; there && !same(v, have) {
		return false
	}
	if v, there := demand["values"]; there {
		list, _ := v.([]any)
		found := false
		for _, one := range list {
			found = found || same(one, have)
		}
		if !found {
			return false
		}
	}
	if v, there := demand["max_age"]; there {
		return q.fresh(v, have)
	}
	return true
}

// fresh: §5.5.2: no more seconds than max_age have passed since the time given.
func (q query) fresh(maxAge, have any) bool {
	seconds, ok := maxAge.(float64)
	text, isText := have.(string)
	at, err := time.Parse(time.RFC3339, text)
	return ok && isText && err == nil && seconds >= 0 && q.now.Sub(at).Seconds() <= seconds
}

// demands tells whether an expression about absent data requires anything.
func demands(want any) bool {
	switch w := want.(type) {
	case map[string]any:
		for name, v := range w {
			if name == "value" || name == "values" || name == "max_age" || demands(v) {
				return true
			}
		}
	case []any:
		for _, one := range w {
			if demands(one) {
				return true
			}
		}
	}
	return false
}

// same compares a value of the request with one of ours, as JSON.
func same(asked, have any) bool {
	if s, ok := have.(string); ok {
		return asked == any(s)
	}
	b, err := json.Marshal(have)
	var plain any
	return err == nil && json.Unmarshal(b, &plain) == nil && reflect.DeepEqual(asked, plain)
}

// combine adds what one template let through to what others did.
func combine(into, more claims) {
	for name, v := range more {
		a, isObject := into[name].(claims)
		b, andThis := v.(claims)
		if isObject && andThis {
			combine(a, b)
			continue
		}
		into[name] = v
	}
}
