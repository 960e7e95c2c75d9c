package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"

	"kejitong/provider/audit"
)

// Purpose says what a key may be used for. A key of one purpose never serves
// another (RFC 8725 §3.5).
type Purpose string

// The purposes of symmetric keys, and the one of signing keys.
const (
	Sign         Purpose = "sign"          // asymmetric: ID tokens, JWT access tokens, logout tokens
	TokenMAC     Purpose = "token"         // opaque tokens and codes
	Pairwise     Purpose = "pairwise"      // pairwise subjects and per-client session ids; never rotated
	Personal     Purpose = "pii"           // sealing of personal data
	Pepper       Purpose = "pepper"        // sealing of password hashes
	Form         Purpose = "form"          // form tokens
	ClientSecret Purpose = "client_secret" // keyed digests of client secrets
	Throttle     Purpose = "throttle"      // keyed digests of guessing counters
	Blind        Purpose = "blind"         // blind indexes for equality search
	SharedSecret Purpose = "shared_secret" // sealing of client secrets that are needed again
	Nonce        Purpose = "nonce"         // nonces that are given out and come back
	Documents    Purpose = "doc"           // sealing of the keys of documents
	Trail        Purpose = "audit"         // the chain over the audit trail; never rotated
	Challenge    Purpose = "challenge"     // captchas, and keyed digests of one-time codes
	Desk         Purpose = "desk"          // sealing of operators' passwords and second factors
	Enrolment    Purpose = "enrolment"     // keyed digests of operators' one-time secrets
	Page         Purpose = "page"          // sealing of page tokens
	Legacy       Purpose = "legacy"        // sealing of passwords of the former platform
	Recovery     Purpose = "recovery"      // keyed digests of recovery flows and of appeals' secrets; never rotated
	Factor       Purpose = "factor"        // sealing of the secrets of second factors
	Hooks        Purpose = "webhook"       // sealing of the secrets of webhooks
	FactorMAC    Purpose = "factor_mac"    // keyed digests of recovery codes and of what counts guesses; never rotated
	Rights       Purpose = "rights"        // MACs over mandates and grants
)

var symmetric = []Purpose{
	TokenMAC,
	Pairwise,
	Personal,
	Pepper,
	Form,
	ClientSecret,
	Throttle,
	Blind,
	SharedSecret,
	Nonce,
	Documents,
	Trail,
	Challenge,
	Desk,
	Enrolment,
	Page,
	Legacy,
	Recovery,
	Factor,
	FactorMAC,
	Rights,
	Hooks,
}

// Algorithm is a JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
type Algorithm string

// The algorithms that the provider signs with. Each has a key of its own, so
// that a kid names exactly one algorithm.
const (
	RS256 Algorithm = "RS256" // RSA 2048
	PS256 Algorithm = "PS256" // RSA 2048
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA" // Ed25519
)

// Algorithms lists the signing algorithms, the default first.
func Algorithms() []Algorithm { return []Algorithm{RS256, ES256, PS256, EdDSA} }

// State is where a key stands in its life.
type State string

// The states of a key, in order.
const (
	Next    State = "next"
	Active  State = "active"
	Retired State = "retired"
	// Spent is a key of digests that makes and finds nothing any more; its row says
	// that there may be digests of it left.
	Spent State = "spent"
)

// Row is a key as the store keeps it. Sealed is the PKCS #8 key (signing), a
// reference to a key in the Vault, or the 32 raw bytes (symmetric), sealed under
// the root key. Number is unique among the keys of a purpose and fits a byte;
// opaque tokens carry it.
type Row struct {
	Kid         string
	Purpose     Purpose
	Algorithm   Algorithm
	State       State
	Number      int
	Sealed      string
	Root        string // the id of the root key that Sealed is under; "" is unknown, from before ids
	Former      string // the same key under the root key before, until a change of it is confirmed
	CreatedAt   time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
}

// Store keeps key rows.
type Store interface {
	// Keys gives all rows.
	Keys(ctx context.Context) ([]Row, error)
	RootStore
	DigestStore
	// AddKeys inserts rows and records ev with them, all or none: fault.Conflict if
	// their root key is not the one in force, or is being changed. A row whose (purpose,
	// algorithm, state) is already held by another row in state next or active
	// is left out silently: of several processes that start at once, one wins
	// and all read the winner's keys afterwards.
	AddKeys(ctx context.Context, rows []Row, ev audit.Event) error
	// RotateKeys turns, for purpose and algorithm, the active key with the given
	// kid into retired at now, next into active at now, and inserts next, all in
	// one transaction with ev. It returns fault.Conflict as AddKeys does, and if another key is active
	// by now (of two rotations at once one wins) or there is no next key.
	RotateKeys(ctx context.Context, purpose Purpose, alg Algorithm, active string, now time.Time, next Row, ev audit.Event) error
	// DropKeys deletes signing keys that were retired before the given time.
	DropKeys(ctx context.Context, retiredBefore time.Time) (int, error)
	// RelieveKey turns, for a symmetric purpose, the active key with the given kid
	// into retired at now and the next one into active, in one transaction with
	// ev. fault.Conflict as for RotateKeys, and if digests under the next key are
	// wanting.
	RelieveKey(ctx context.Context, purpose Purpose, active string, now time.Time, ev audit.Event) error
	// DropSealing deletes the retired symmetric key with the given kid, and with ev
	// says so, in a transaction that counts once more: fault.Conflict if a sealed
	// value needs the key, fault.NotFound if it is not there or not retired.
	DropSealing(ctx context.Context, kid string, ev audit.Event) error
}

func generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return nil, fmt.Errorf("keys: unknown algorithm %q", alg)
}

func newKid() (string, error) {
	b := make([]byte, 12)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("keys: random: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// rootPlace binds a sealed key to its kid and purpose.
func rootPlace(p Purpose, alg Algorithm) string { return "keys|" + string(p) + "|" + string(alg) }

// newSigningRow makes a signing key where the ring keeps new ones.
func (r *Ring) newSigningRow(ctx context.Context, alg Algorithm, state State, now time.Time) (Row, error) {
	if r.Vault != nil {
		return newVaultRow(ctx, r.Root, r.Vault, alg, state, now)
	}
	k, err := generate(alg)
	if err != nil {
		return Row{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return Row{}, fmt.Errorf("keys: encode: %w", err)
	}
	return sealRow(r.Root, Row{Purpose: Sign, Algorithm: alg, State: state, CreatedAt: now}, der)
}

func newSecretRow(root []byte, p Purpose, number int, now time.Time) (Row, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return Row{}, fmt.Errorf("keys: random: %w", err)
	}
	return sealRow(root, Row{Purpose: p, State: Active, Number: number, CreatedAt: now}, b)
}

func sealRow(root []byte, r Row, plain []byte) (Row, error) {
	kid, err := newKid()
	if err != nil {
		return Row{}, err
	}
	r.Kid = kid
	if r.State == Active {
		r.ActivatedAt = r.CreatedAt
	}
	r.Root = RootID(root)
	r.Sealed, err = sealWith(kid, root, rootPlace(r.Purpose, r.Algorithm), plain)
	return r, err
}
