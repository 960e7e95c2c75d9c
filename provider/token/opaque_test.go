package token_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"kejitong/provider/keys"
	"kejitong/provider/token"
	"kejitong/store/storetest"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func codec(t *testing.T) token.Codec {
	t.Helper()
	_, ring := storetest.Ready(t, storetest.SQLite(t))
	return token.Codec{Keys: func() *keys.Snapshot { return ring.Snapshot() }}
}

func grant(t *testing.T) *token.Grant {
	t.Helper()
	g, err := token.NewGrant("rp", now)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func made(t *testing.T, c token.Codec, kind token.Kind, g *token.Grant) string {
	t.Helper()
	s, err := c.Make(token.Opaque{Kind: kind, GrantID: g.ID, Generation: 7, ExpiresAt: now.Add(time.Minute)}, g.Secret, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForgedTokensAreMalformed(t *testing.T) {
	c := codec(t)
	a, b := grant(t), grant(t)
	one, two := made(t, c, token.Access, a), made(t, c, token.Access, b)
	forged := map[string]string{
		"nothing": "", "garbage": strings.Repeat("A", len(one)), "blank before": " " + one, "a line break inside": one[:50] + "\n" + one[50:],
		"padding": one + "=", "one's body, the other's MACs": one[:len(one)-43] + two[len(two)-43:], "twice": one + one,
		"megabytes": strings.Repeat("A", 1<<20),
	}
	for i := range one {
		forged["truncated"] = one[:i]
		if swapped := swapCase(one[i]); swapped != one[i] {
			forged["case flipped"] = one[:i] + string(swapped) + one[i+1:]
		}
		forged["extended"] = one + one[i:i+1]
		forged["one character left out"] = one[:i] + one[i+1:]
		for name, text := range forged {
			o, err := c.Parse(text, now, token.Code, token.Access, token.Refresh, token.Client)
			// Some characters touch only the half of the MAC that the grant's
			// secret keys; that half is for Proves to refuse.
			if err == nil && o.Proves(a.Secret) || err != nil && !errors.Is(err, token.ErrMalformed) {
				t.Fatalf("%s at %d passes: %v", name, i, err)
			}
		}
	}
}

func swapCase(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z':
		return c - 'a' + 'A'
	case c >= 'A' && c <= 'Z':
		return c - 'A' + 'a'
	}
	return c
}

func TestKindsAreNotConfused(t *testing.T) {
	c := codec(t)
	g := grant(t)
	kinds := []token.Kind{token.Code, token.Access, token.Refresh}
	for _, is := range kinds {
		text := made(t, c, is, g)
		for _, want := range kinds {
			o, err := c.Parse(text, now, want)
			if is != want && !errors.Is(err, token.ErrMalformed) {
				t.Errorf("kind %d passes as %d: %v", is, want, err)
			}
			if is == want && (err != nil || !o.Proves(g.Secret) || o.GrantID != g.ID || o.Generation != 7 || !o.ExpiresAt.Equal(now.Add(time.Minute))) {
				t.Errorf("kind %d: %+v %v", is, o, err)
			}
		}
		if _, err := c.Parse(text, now); !errors.Is(err, token.ErrMalformed) {
			t.Errorf("kind %d passes where none is asked for: %v", is, err)
		}
	}
}

func TestTheSecretOfTheGrantCounts(t *testing.T) {
	c := codec(t)
	a, b := grant(t), grant(t)
	o, err := c.Parse(made(t, c, token.Access, a), now, token.Access)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string][]byte{"another grant's": b.Secret, "none": nil, "shorter": a.Secret[:15], "zeros": make([]byte, 16)} {
		if o.Proves(secret) {
			t.Errorf("proved with %s secret", name)
		}
	}
	if (token.Opaque{}).Proves(nil) {
		t.Error("an empty token proves")
	}
	// A token made without the grant's secret, as by a thief of the key alone.
	thief := *a
	thief.Secret = nil
	if o, err := c.Parse(made(t, c, token.Access, &thief), now, token.Access); err == nil && o.Proves(a.Secret) {
		t.Error("the provider's key alone makes a token")
	}
}

func TestExpiry(t *testing.T) {
	c := codec(t)
	g := grant(t)
	text := made(t, c, token.Refresh, g)
	for _, row := range []struct {
		at   time.Time
		want error
	}{
		{now.Add(time.Minute), token.ErrExpired},
		{now.Add(time.Hour), token.ErrExpired},
		{now.Add(time.Minute - time.Nanosecond), nil},
	} {
		o, err := c.Parse(text, row.at, token.Refresh)
		if !errors.Is(err, row.want) || o.GrantID != g.ID {
			t.Errorf("at %v: %v, grant %q", row.at, err, o.GrantID)
		}
	}
}

func TestFixedTokensAreRepeatable(t *testing.T) {
	c := codec(t)
	g := grant(t)
	of := func(kind token.Kind, gen uint32, fixed bool) string {
		s, err := c.Make(token.Opaque{Kind: kind, GrantID: g.ID, Generation: gen, ExpiresAt: now.Add(time.Minute)}, g.Secret, fixed)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := of(token.Refresh, 1, false)
	if second := of(token.Refresh, 1, false); first == second {
		t.Error("two random tokens are equal")
	}
	if of(token.Refresh, 1, true) == of(token.Refresh, 2, true) || of(token.Refresh, 1, true) == of(token.Code, 1, true) {
		t.Error("fixed tokens of other generations or kinds are equal")
	}
	fixed := of(token.Refresh, 1, true)
	if retry := of(token.Refresh, 1, true); fixed != retry {
		t.Error("a retry gets another token")
	}
	if _, err := c.Parse(of(token.Refresh, 1, true), now, token.Refresh); err != nil {
		t.Errorf("fixed: %v", err)
	}
}

func TestClientTokensCarryTheirGrant(t *testing.T) {
	c := codec(t)
	g := grant(t)
	extra := []byte(`{"scope":"api"}`)
	text, err := c.Make(token.Opaque{Kind: token.Client, GrantID: g.ID, ExpiresAt: now.Add(time.Minute), Extra: extra}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Parse(text[:len(text)-1]+string(swapCase(text[len(text)-1])^1), now, token.Client); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("the last character changed: %v", err)
	}
	keyed, err := c.Make(token.Opaque{Kind: token.Client, GrantID: g.ID, ExpiresAt: now.Add(time.Minute), Extra: extra}, g.Secret, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Parse(keyed, now, token.Client); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("keyed by a grant that has no row: %v", err)
	}
	o, err := c.Parse(text, now, token.Client)
	if err != nil || !bytes.Equal(o.Extra, extra) {
		t.Errorf("extra %q, %v", o.Extra, err)
	}
}

func TestGrantIDsThatAreNone(t *testing.T) {
	c := codec(t)
	for _, id := range []string{"", "short", strings.Repeat("A", 23), "!!!!!!!!!!!!!!!!!!!!!!"} {
		if _, err := c.Make(token.Opaque{Kind: token.Code, GrantID: id}, nil, false); err == nil {
			t.Errorf("a token for grant %q", id)
		}
	}
}
