package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"kejitong/provider/credential"
)

// machineLimits are what this machine gives at most, measured in this run. The
// first group is in seconds that one operation keeps all cores busy, so that
// they add up: one over the sum is operations per second.
type machineLimits struct {
	hello    float64
	read     float64 // of the database in use
	commit   float64 // likewise
	argon2id float64
	sign     map[string]float64

	signing  []signing
	password time.Duration // one argon2id on one core
	helloRow result
}

// signing is the time of one signature and one verification on one core.
type signing struct {
	alg          string
	sign, verify time.Duration
}

// at gives the limits with those of a database.
func (m machineLimits) at(d databaseLimits) machineLimits {
	m.read, m.commit = 1/d.reads, 1/d.commits
	return m
}

// moment is how long each limit is measured.
func (o options) moment() time.Duration {
	if o.passes > 0 {
		return 20 * time.Millisecond
	}
	return min(o.period/2, 2*time.Second)
}

func measureLimits(ctx context.Context, o options) (machineLimits, error) {
	m := machineLimits{sign: map[string]float64{}}
	cores := float64(runtime.GOMAXPROCS(0))
	var err error
	if m.signing, err = measureSignatures(o.moment() / 4); err != nil {
		return m, err
	}
	for _, s := range m.signing {
		m.sign[s.alg] = s.sign.Seconds() / cores
	}
	type hashing struct {
		rate float64
		one  time.Duration
	}
	h, err := calmest(o.again, func() (h hashing, disturbed float64, err error) {
		disturbed, err = watched(ctx, 0, func(context.Context) error {
			h.rate, h.one = measureArgon2id(max(o.moment(), 20*o.warmUp/3))
			return nil
		})
		return h, disturbed, err
	})
	if err != nil {
		return m, err
	}
	m.argon2id, m.password = 1/h.rate, h.one
	m.helloRow, err = calmest(o.again, func() (result, float64, error) {
		r, err := measureHello(ctx, o)
		return r, r.disturbed(), err
	})
	if err != nil {
		return m, err
	}
	m.hello = 1 / m.helloRow.rate()
	return m, nil
}

func measureSignatures(period time.Duration) ([]signing, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("an ID token"))
	d := digest[:]
	var out []signing
	for _, k := range []struct {
		alg    string
		sign   func() ([]byte, error)
		verify func(sig []byte) bool
	}{
		{"RS256", func() ([]byte, error) { return rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, d) },
			func(sig []byte) bool { return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, d, sig) == nil }},
		{"ES256", func() ([]byte, error) { return ecdsa.SignASN1(rand.Reader, ecKey, d) },
			func(sig []byte) bool { return ecdsa.VerifyASN1(&ecKey.PublicKey, d, sig) }},
		{"EdDSA", func() ([]byte, error) { return ed25519.Sign(edKey, d), nil },
			func(sig []byte) bool { return ed25519.Verify(edPublic, d, sig) }},
	} {
		sig, err := k.sign()
		if err != nil || !k.verify(sig) {
			return nil, fmt.Errorf("%s: a signature that does not verify: %w", k.alg, err)
		}
		out = append(out, signing{
			alg:    k.alg,
			sign:   each(period, func() { sig, err = k.sign() }),
			verify: each(period, func() { k.verify(sig) }),
		})
	}
	return out, nil
}

// each gives the time of one call, from as many as fit into period.
func each(period time.Duration, call func()) time.Duration {
	began, n := time.Now(), 0
	for time.Since(began) < period || n == 0 {
		call()
		n++
	}
	return time.Since(began) / time.Duration(n)
}

// measureArgon2id gives hashes per second on all cores, and the time of one on
// one core.
func measureArgon2id(period time.Duration) (float64, time.Duration) {
	hash := func() {
		argon2.IDKey([]byte("password"), []byte("0123456789abcdef"), credential.FloorTime, credential.FloorMemoryKiB, 1, 32)
	}
	one := each(period/2, hash)
	var n atomic.Int64
	var work sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for done := false; !done; done = time.Since(began) >= period {
				hash()
				n.Add(1)
			}
		})
	}
	work.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), one
}
