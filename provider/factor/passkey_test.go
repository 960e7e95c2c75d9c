package factor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"kejitong/provider/factor"
	"kejitong/provider/fault"
)

const (
	origin = "https://sso.example.gov.cn"
	rpID   = "sso.example.gov.cn"
)

// device is an authenticator in software, as faithful as its fields let it be.
type device struct {
	t                  *testing.T
	key                *ecdsa.PrivateKey
	id                 []byte
	count              uint32
	origin, rp, typ    string // of what it signs; empty: the right ones
	challenge          string // another one than it was asked
	unverified, absent bool   // no user verification, no user at all
	stolen             *ecdsa.PrivateKey
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	id := make([]byte, 16)
	_, err = rand.Read(id)
	must(t, err)
	return &device{t: t, key: key, id: id}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (d *device) asked(q factor.Question) string {
	d.t.Helper()
	var o struct {
		Challenge        string `json:"challenge"`
		UserVerification string `json:"userVerification"`
	}
	must(d.t, json.Unmarshal(q.Options, &o))
	return or(d.challenge, o.Challenge)
}

func (d *device) client(q factor.Question, typ string) []byte {
	d.t.Helper()
	b, err := json.Marshal(map[string]any{"type": or(d.typ, typ), "challenge": d.asked(q), "origin": or(d.origin, origin), "crossOrigin": false})
	must(d.t, err)
	return b
}

func (d *device) data(flags byte) []byte {
	rp := sha256.Sum256([]byte(or(d.rp, rpID)))
	if !d.absent {
		flags |= 0x01
	}
	if !d.unverified {
		flags |= 0x04
	}
	return binary.BigEndian.AppendUint32(append(rp[:], flags), d.count)
}

// makes answers a question for a new passkey.
func (d *device) makes(q factor.Question) string {
	d.t.Helper()
	data := append(d.data(0x40), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id))) //nolint:gosec // 16
	data = append(data, d.id...)
	pub, err := d.key.PublicKey.Bytes() // 4, x, y
	must(d.t, err)
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20)
	data = append(data, pub[1:33]...)
	data = append(data, 0x22, 0x58, 0x20)
	data = append(data, pub[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	object = append(object, data...)
	return d.says(map[string]any{"clientDataJSON": b64(d.client(q, "webauthn.create")), "attestationObject": b64(object)})
}

// shows answers a question for a passkey that there is.
func (d *device) shows(q factor.Question) string {
	d.t.Helper()
	client, data := d.client(q, "webauthn.get"), d.data(0)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	key := d.key
	if d.stolen != nil {
		key = d.stolen
	}
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	must(d.t, err)
	return d.says(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig)})
}

func (d *device) says(response map[string]any) string {
	d.t.Helper()
	b, err := json.Marshal(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	must(d.t, err)
	return string(b)
}

// owns enrols a passkey of who.
func (b *bench) owns(who factor.Subject) *device {
	b.t.Helper()
	d := newDevice(b.t)
	q, err := b.BeginPasskey(b.t.Context(), who, "browser", "wang")
	must(b.t, err)
	_, err = b.FinishPasskey(b.t.Context(), who, "browser", q.ID, d.makes(q), "键", did())
	must(b.t, err)
	return d
}

func (b *bench) ask(who factor.Subject) factor.Question {
	b.t.Helper()
	q, err := b.AskPasskey(b.t.Context(), who, "browser")
	must(b.t, err)
	return q
}

// What an authenticator says counts only with the user verified, for this host, in
// answer to this very question, signed by the key that was enrolled.
func TestPasskeysThatProveNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		d := b.owns(wang)
		other := b.owns(factor.Subject{Realm: factor.Operators, ID: "li"})
		thief := newDevice(t)
		former := b.ask(wang)
		for name, change := range map[string]func(d *device) *device{
			"no user verification":  func(d *device) *device { d.unverified = true; return d },
			"nobody there":          func(d *device) *device { d.absent = true; return d },
			"another origin":        func(d *device) *device { d.origin = "https://sso.example.gov.cn.evil.test"; return d },
			"plain http":            func(d *device) *device { d.origin = "http://sso.example.gov.cn"; return d },
			"another host":          func(d *device) *device { d.rp = "evil.test"; return d },
			"another question":      func(d *device) *device { d.challenge = d.asked(former); return d },
			"an enrolment":          func(d *device) *device { d.typ = "webauthn.create"; return d },
			"signed by another key": func(d *device) *device { d.stolen = thief.key; return d },
			"somebody else's":       func(*device) *device { return other },
			"nobody's":              func(*device) *device { return thief },
		} {
			q, copied := b.ask(wang), *d
			if _, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, change(&copied).shows(q)); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, d.shows(q)); !fault.Is(err, fault.Gone) {
				t.Errorf("%s: the question lives after it: %v", name, err)
			}
		}
		for _, broken := range []string{"", "{}", "null", `{"id":"x"}`, d.shows(b.ask(wang))[:100]} {
			if _, err := b.CheckPasskey(t.Context(), wang, "browser", b.ask(wang).ID, broken); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", broken, err)
			}
		}
		q := b.ask(wang)
		if _, err := b.CheckPasskey(t.Context(), wang, "another browser", q.ID, d.shows(q)); !fault.Is(err, fault.Gone) {
			t.Errorf("another browser: %v", err)
		}
		answer := d.shows(q)
		if p, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, answer); err != nil || p.AMR != "hwk" || p.Kind != factor.Passkey {
			t.Fatalf("the right one: %+v %v", p, err)
		}
		if _, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, answer); !fault.Is(err, fault.Gone) {
			t.Errorf("replayed: %v", err)
		}
		q = b.ask(wang)
		b.now = b.now.Add(11 * time.Minute)
		if _, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, d.shows(q)); !fault.Is(err, fault.Gone) {
			t.Errorf("too late: %v", err)
		}
	})
}

// A counter that does not go forward is a twin; one that never counts is none.
func TestSignatureCounters(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		d := b.owns(wang)
		show := func() error {
			q := b.ask(wang)
			_, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, d.shows(q))
			return err
		}
		must(t, show())
		must(t, show())
		d.count = 7
		must(t, show())
		for _, count := range []uint32{7, 6, 0} {
			d.count = count
			if err := show(); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d after 7: %v", count, err)
			}
		}
		d.count = 8
		must(t, show())
	})
}

// One answer sent 64 times at once is accepted once.
func TestOneAnswerAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		d := b.owns(wang)
		q := b.ask(wang)
		answer := d.shows(q)
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := 0
		for range 64 {
			wg.Go(func() {
				if _, err := b.CheckPasskey(t.Context(), wang, "browser", q.ID, answer); err == nil {
					mu.Lock()
					won++
					mu.Unlock()
				} else if !fault.Is(err, fault.Gone) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d answers accepted", won)
		}
	})
}

// An enrolment needs the user verified and this host, and one authenticator is
// enrolled once, for one subject.
func TestPasskeysThatAreNotEnrolled(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		enrol := func(who factor.Subject, d *device) error {
			q, err := b.BeginPasskey(t.Context(), who, "browser", "wang")
			must(t, err)
			_, err = b.FinishPasskey(t.Context(), who, "browser", q.ID, d.makes(q), "", did())
			return err
		}
		for name, change := range map[string]func(d *device){
			"no user verification": func(d *device) { d.unverified = true },
			"another origin":       func(d *device) { d.origin = "https://evil.test" },
			"another host":         func(d *device) { d.rp = "evil.test" },
			"another question":     func(d *device) { d.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
			"an assertion":         func(d *device) { d.typ = "webauthn.get" },
		} {
			d := newDevice(t)
			change(d)
			if err := enrol(wang, d); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		d := newDevice(t)
		must(t, enrol(wang, d))
		if err := enrol(factor.Subject{Realm: factor.Operators, ID: "li"}, d); !fault.Is(err, fault.Conflict) {
			t.Errorf("for somebody else, too: %v", err)
		}
		e, err := b.Enrolled(t.Context(), wang)
		if err != nil || len(e.Factors) != 1 || e.Codes != 10 {
			t.Errorf("%+v %v: a passkey comes with recovery codes (settlement 28)", e, err)
		}
	})
}

// Browsers make passkeys for hosts, not for addresses.
func TestRelyingParty(t *testing.T) {
	for _, issuer := range []string{"http://127.0.0.1:8080", "http://[::1]:8080", "https://10.0.0.1"} {
		if rp, err := factor.RelyingParty(issuer, "x"); err != nil || rp != nil {
			t.Errorf("%s: %v %v", issuer, rp, err)
		}
	}
	rp, err := factor.RelyingParty("http://localhost:8080", "x")
	if err != nil || rp == nil || rp.Config.RPID != "localhost" || rp.Config.RPOrigins[0] != "http://localhost:8080" {
		t.Errorf("localhost: %v %v", rp, err)
	}
}
