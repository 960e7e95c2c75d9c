package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// Vault makes signing keys and keeps their private halves outside of the
// database and of this process: a hardware module behind PKCS #11, or a signing
// service. With one in the ring, new signing keys are made there; those that lie
// sealed in the database go on until they are rotated away. What the database
// holds of a key in the vault is a reference, under the same seal as a key would
// be, so that whoever can write to the database cannot point at another key.
//
// Nothing here deletes in the vault: a key that DropKeys removed is one that no
// row refers to any more.
type Vault interface {
	// Generate makes a key for alg and gives the reference under which it is found
	// again, by every process of the installation.
	Generate(ctx context.Context, alg Algorithm) (ref string, err error)
	// Signer gives the key behind ref. It is asked when the key is made and once by
	// each process;
	// the Signer must bear use by many goroutines. As crypto.Signer says, it gets a
	// digest (Ed25519: the message), with *rsa.PSSOptions for PS256, and signs
	// ECDSA in ASN.1.
	Signer(ctx context.Context, ref string) (crypto.Signer, error)
}

// inVault opens, in place of a sealed key, what refers to a key in the vault.
const inVault = "vault:"

var errNoVault = errors.New("the key is kept in a vault and this process has none")

// newVaultRow makes a signing key in the vault and the row that refers to it.
func newVaultRow(ctx context.Context, root []byte, v Vault, alg Algorithm, state State, now time.Time) (Row, error) {
	ref, err := v.Generate(ctx, alg)
	if err != nil {
		return Row{}, fmt.Errorf("keys: vault: %w", err)
	}
	// A row that cannot be read back would keep every process from its keys.
	if _, err := signerFor(ctx, v, ref, alg); err != nil {
		return Row{}, err
	}
	r, err := sealRow(root, Row{Purpose: Sign, Algorithm: alg, State: state, CreatedAt: now}, []byte(inVault+ref))
	r.Sealed = inVault + r.Sealed
	return r, err
}

// fromVault is the key that a row refers to. One that the ring knows already is
// not asked for again: a public key never changes under its kid.
func (r *Ring) fromVault(ctx context.Context, row Row, plain []byte) (*Signing, error) {
	if old := r.snap.Load(); old != nil && old.byKid[row.Kid] != nil {
		k := *old.byKid[row.Kid]
		k.State = row.State
		return &k, nil
	}
	ref, marked := strings.CutPrefix(string(plain), inVault)
	if !marked { // a sealed key whose row was made to look like a reference
		return nil, fmt.Errorf("keys: key %s: %w", row.Kid, ErrUnsealable)
	}
	if r.Vault == nil {
		return nil, fmt.Errorf("keys: key %s: %w", row.Kid, errNoVault)
	}
	s, err := signerFor(ctx, r.Vault, ref, row.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", row.Kid, err)
	}
	return newSigning(row, s, cryptosigner.Opaque(s))
}

// signerFor is the key behind ref, if it is one for alg.
func signerFor(ctx context.Context, v Vault, ref string, alg Algorithm) (crypto.Signer, error) {
	s, err := v.Signer(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("keys: vault: %w", err)
	}
	if !fits(s.Public(), alg) {
		return nil, fmt.Errorf("keys: vault: the key it gives is none for %s", alg)
	}
	return s, nil
}

// fits tells whether a public key is of the type and strength of alg, the same
// that generate makes.
func fits(public crypto.PublicKey, alg Algorithm) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return (alg == RS256 || alg == PS256) && k.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return alg == ES256 && k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == EdDSA
	}
	return false
}

// newSigning prepares a key for every kind of JWT. sign is what go-jose signs
// with: the private key itself, or a jose.OpaqueSigner where it is elsewhere.
func newSigning(row Row, private crypto.Signer, sign any) (*Signing, error) {
	k := &Signing{Kid: row.Kid, Algorithm: row.Algorithm, State: row.State, Private: private, signers: map[string]jose.Signer{}}
	for _, typ := range types {
		opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", row.Kid)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(row.Algorithm), Key: sign}, opts)
		if err != nil {
			return nil, fmt.Errorf("keys: key %s: %w", row.Kid, err)
		}
		k.signers[typ] = signer
	}
	return k, nil
}
