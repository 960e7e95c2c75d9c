package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/client"
	"kejitong/provider/outbound"
)

// jwksCache keeps the key sets behind jwks_uri. An unknown kid or a failed
// signature may fetch anew, but only so often: after five seconds, in a burst
// of three, then once a minute, so that a stranger with bad assertions cannot
// make the provider hammer a third party.
type jwksCache struct {
	Outbound *outbound.Client
	Now      func() time.Time

	mu   sync.Mutex
	sets map[string]*fetched
}

type fetched struct {
	mu      sync.Mutex // one fetch at a time for a URI
	set     jose.JSONWebKeySet
	at      time.Time
	left    int       // fetches that the burst still allows
	counted time.Time // up to when whole minutes were added to it
	last    time.Time // of the last fetch, successful or not
	failed  bool      // the last fetch gave no set
}

const (
	jwksLife     = 10 * time.Minute
	jwksMinPause = 5 * time.Second
	jwksBurst    = 3
	maxSets      = 10000
)

func (j *jwksCache) entry(uri string) *fetched {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sets == nil || len(j.sets) >= maxSets {
		j.sets = map[string]*fetched{}
	}
	f := j.sets[uri]
	if f == nil {
		f = &fetched{}
		j.sets[uri] = f
	}
	return f
}

// get gives the set behind uri; with anew it is fetched again if the pace
// allows.
func (j *jwksCache) get(ctx context.Context, uri string, anew bool) jose.JSONWebKeySet {
	f := j.entry(uri)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := j.Now()
	if now.Sub(f.at) < jwksLife && !anew {
		return f.set
	}
	if !f.mayFetch(now) {
		return f.set
	}
	f.failed = true
	body, err := j.Outbound.Get(ctx, uri)
	if err != nil {
		return f.set
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(body, &set) != nil || len(set.Keys) > 64 {
		return f.set
	}
	f.set, f.at, f.failed = set, now, false
	return set
}

// mayFetch takes one fetch off the allowance, which grows by one a minute up to
// the burst.
func (f *fetched) mayFetch(now time.Time) bool {
	if f.last.IsZero() {
		f.left, f.counted = jwksBurst, now
	}
	if minutes := now.Sub(f.counted) / time.Minute; minutes > 0 {
		f.left = int(min(jwksBurst, time.Duration(f.left)+minutes))
		f.counted = f.counted.Add(minutes * time.Minute)
	}
	if f.left == 0 || now.Sub(f.last) < jwksMinPause {
		return false
	}
	f.left--
	f.last = now
	return true
}

// keySource is where somebody's keys are: a set, or its address.
type keySource struct {
	set json.RawMessage
	uri string
}

func keysOf(c *client.Client) keySource { return keySource{c.Metadata.JWKS, c.Metadata.JWKSURI} }

// verifies tries the keys of from that may fit; a kid narrows the choice, and
// without one every key of the right type is tried.
func (p *Provider) verifies(ctx context.Context, from keySource, kid, alg string, try func(key any) bool) bool {
	if len(from.set) > 0 {
		var set jose.JSONWebKeySet
		return json.Unmarshal(from.set, &set) == nil && anyKey(set, kid, alg, try)
	}
	if from.uri == "" {
		return false
	}
	if anyKey(p.jwks.get(ctx, from.uri, false), kid, alg, try) {
		return true
	}
	return anyKey(p.jwks.get(ctx, from.uri, true), kid, alg, try)
}

func anyKey(set jose.JSONWebKeySet, kid, alg string, try func(key any) bool) bool {
	for _, k := range set.Keys {
		if kid != "" && k.KeyID != "" && k.KeyID != kid || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != alg {
			continue
		}
		if !k.IsPublic() || !suits(k.Key, alg) {
			continue
		}
		if try(k.Key) {
			return true
		}
	}
	return false
}

// maxRSABits: checking a signature with more is work for a stranger's benefit.
// A set behind a jwks_uri and the key of a DPoP proof are whatever their owner
// wrote; RSA of 96000 bits, which an assertion can just carry a signature of,
// would cost a second of a core each time.
const maxRSABits = 8192

// suits tells whether key is of the type and strength that alg needs (RFC 7518
// §3.3: RSA of 2048 bits or more).
func suits(key any, alg string) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		n := k.N.BitLen()
		return (alg == "RS256" || alg == "PS256") && n >= 2048 && n <= maxRSABits
	case *ecdsa.PublicKey:
		return alg == "ES256" && k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// held gives what is known of a set without fetching it, and whether the last
// fetch failed.
func (j *jwksCache) held(uri string) (set jose.JSONWebKeySet, failed bool) {
	f := j.entry(uri)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set, f.failed
}
