package keys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"kejitong/provider/keys"
	"kejitong/store/storetest"
)

func TestSealedValuesOpenOnlyInPlace(t *testing.T) {
	_, ring := storetest.Ready(t, storetest.SQLite(t))
	s := ring.Snapshot()
	sealed, err := s.Seal(keys.Personal, "accounts.profile|a", []byte("110101199003070038"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "110101") {
		t.Fatal("it is not sealed")
	}
	parts := strings.SplitN(sealed, ".", 3)
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	rebuilt := func(b []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(b)
	}
	bad := map[string]string{
		"nothing": "", "plain text": "110101199003070038", "no key id": "s1." + parts[2], "another version": "s2." + parts[1] + "." + parts[2],
		"an unknown key": "s1.AAAAAAAAAAAAAAAA." + parts[2], "another purpose's key": "s1." + s.Current(keys.Pepper).Kid + "." + parts[2],
		"no ciphertext": rebuilt(raw[:24]), "nonce cut": rebuilt(raw[:10]), "cut": rebuilt(raw[:len(raw)-1]), "extended": rebuilt(append(bytes.Clone(raw), 0)),
	}
	for name, text := range bad {
		if _, err := s.Open(keys.Personal, "accounts.profile|a", text); !errors.Is(err, keys.ErrUnsealable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			if _, err := s.Open(keys.Personal, "accounts.profile|a", rebuilt(flipped)); !errors.Is(err, keys.ErrUnsealable) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
	if _, err := s.Open(keys.Personal, "accounts.profile|b", sealed); !errors.Is(err, keys.ErrUnsealable) {
		t.Errorf("moved to another row: %v", err)
	}
	if _, err := s.Open(keys.Pepper, "accounts.profile|a", sealed); !errors.Is(err, keys.ErrUnsealable) {
		t.Errorf("opened for another purpose: %v", err)
	}
	again, err := s.Seal(keys.Personal, "accounts.profile|a", []byte("110101199003070038"))
	if err != nil || again == sealed {
		t.Errorf("sealing is not random: %v", err)
	}
	if plain, err := s.Open(keys.Personal, "accounts.profile|a", sealed); err != nil || string(plain) != "110101199003070038" {
		t.Errorf("in place: %q %v", plain, err)
	}
}

func TestAWrongRootKeyStopsTheStart(t *testing.T) {
	db, ring := storetest.Ready(t, storetest.SQLite(t))
	before, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string][]byte{"another": bytes.Repeat([]byte{1}, 32), "short": []byte("short"), "none": nil} {
		other := &keys.Ring{Store: db, Root: root, Now: time.Now}
		if err := other.Open(t.Context()); err == nil || other.Snapshot() != nil {
			t.Errorf("%s root key opens the ring: %v", name, err)
		}
	}
	if after, err := db.Keys(t.Context()); err != nil || len(after) != len(before) {
		t.Errorf("a wrong root key made %d keys, %v", len(after)-len(before), err)
	}
	if ring.Snapshot() == nil {
		t.Error("the right one does not")
	}
}

type set struct {
	Keys []map[string]any `json:"keys"`
}

func published(t *testing.T, s *keys.Snapshot) []string {
	t.Helper()
	var j set
	if err := json.Unmarshal(s.JWKS(), &j); err != nil {
		t.Fatal(err)
	}
	var kids []string
	seen := map[string]bool{}
	for _, k := range j.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if _, there := k[private]; there {
				t.Fatalf("the JWKS shows %q of a private key", private)
			}
		}
		kid, _ := k["kid"].(string)
		if kid == "" || seen[kid] || k["use"] != "sig" || k["alg"] == nil {
			t.Fatalf("key %v", k)
		}
		seen[kid] = true
		kids = append(kids, kid)
	}
	return kids
}

// signed makes a token and gives its kid after checking it with the published key.
func signed(t *testing.T, s *keys.Snapshot, alg keys.Algorithm) string {
	t.Helper()
	text, err := s.Sign(alg, "at+jwt", map[string]any{"sub": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return verified(t, s, alg, text)
}

func verified(t *testing.T, s *keys.Snapshot, alg keys.Algorithm, text string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	public, is, ok := s.Public(header.KeyID)
	if !ok || is != alg {
		t.Fatalf("kid %s: %v %s", header.KeyID, ok, is)
	}
	if _, err := jws.Verify(public); err != nil || header.ExtraHeaders["typ"] != "at+jwt" {
		t.Fatalf("%s: %v, typ %v", alg, err, header.ExtraHeaders["typ"])
	}
	return header.KeyID
}

func TestTwoProcessesHaveTheSameKeys(t *testing.T) {
	o := storetest.Postgres(t)
	db, first := storetest.Ready(t, o)
	second := &keys.Ring{Store: storetest.Open(t, o), Root: storetest.Root, Now: db.Now}
	if err := second.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Snapshot().JWKS(), second.Snapshot().JWKS()) {
		t.Errorf("two sets:\n%s\n%s", first.Snapshot().JWKS(), second.Snapshot().JWKS())
	}
	sealed, err := first.Snapshot().Seal(keys.Personal, "here", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := second.Snapshot().Open(keys.Personal, "here", sealed); err != nil || string(plain) != "x" {
		t.Errorf("%q %v", plain, err)
	}
	for _, p := range []keys.Purpose{keys.TokenMAC, keys.Pairwise, keys.Throttle} {
		if !bytes.Equal(first.Snapshot().MAC(p, "a", "b"), second.Snapshot().MAC(p, "a", "b")) {
			t.Errorf("%s: two MACs", p)
		}
	}
	if bytes.Equal(first.Snapshot().MAC(keys.TokenMAC, "a"), first.Snapshot().MAC(keys.Form, "a")) {
		t.Error("one key serves two purposes")
	}
}

func TestRotation(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	db, ring := storetest.Ready(t, storetest.SQLite(t))
	if _, err := ring.Snapshot().Sign("HS256", "JWT", nil); err == nil {
		t.Error("signed with an algorithm that has no key")
	}
	if _, err := ring.Snapshot().Sign(keys.ES256, "jose", nil); err == nil {
		t.Error("signed with a typ that nobody knows")
	}
	if n := len(published(t, ring.Snapshot())); n != len(keys.Algorithms()) {
		t.Errorf("%d keys at first", n)
	}
	if err := ring.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	announced := published(t, ring.Snapshot())
	if len(announced) != 2*len(keys.Algorithms()) {
		t.Errorf("%d keys with the next ones", len(announced))
	}
	old := map[keys.Algorithm]string{}
	texts := map[keys.Algorithm]string{}
	for _, alg := range keys.Algorithms() {
		old[alg] = signed(t, ring.Snapshot(), alg)
		text, err := ring.Snapshot().Sign(alg, "at+jwt", map[string]any{"sub": "x"})
		if err != nil {
			t.Fatal(err)
		}
		texts[alg] = text
	}
	if err := ring.RotateSigning(ctx, "operator"); err != nil {
		t.Fatal(err)
	}
	after := published(t, ring.Snapshot())
	if len(after) != 3*len(keys.Algorithms()) {
		t.Errorf("%d keys after the rotation", len(after))
	}
	for _, alg := range keys.Algorithms() {
		kid := signed(t, ring.Snapshot(), alg)
		if kid == old[alg] || !strings.Contains(strings.Join(announced, " "), kid) {
			t.Errorf("%s signs with %s: want the key that was announced", alg, kid)
		}
		if verified(t, ring.Snapshot(), alg, texts[alg]) != old[alg] {
			t.Errorf("%s: an older token no longer verifies", alg)
		}
	}
	if n, err := db.DropKeys(ctx, time.Now().Add(time.Hour)); err != nil || n != len(keys.Algorithms()) {
		t.Errorf("dropped %d, %v", n, err)
	}
	if err := ring.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := ring.Snapshot().Public(old[keys.RS256]); ok || len(published(t, ring.Snapshot())) != 2*len(keys.Algorithms()) {
		t.Error("a dropped key is still published")
	}
}
