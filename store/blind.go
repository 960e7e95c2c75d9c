package store

import "kejitong/provider/keys"

// A blind index is a keyed digest of a canonical value. Its key rotates (see
// keys.Digests), so where a digest is written or compared one asks for it in one of
// three ways:
//
//	blind   what is found: rows that stand under every live key are complete under
//	        this one
//	blinds  what is written where a value may stand once, or is found by blind
//	either  what is found where a row stands under one of the live keys

// digest is a blind index and the number of its key.
type digest struct {
	number int
	text   string
}

// blind is the digest of a value under the active key.
func (d *DB) blind(kind, value string) (string, error) {
	if d.Seal == nil {
		return "", errNoRing
	}
	return base64url(d.Seal().MAC(keys.Blind, "v1", kind, value)), nil
}

func blindUnder(k keys.Secret, kind, value string) digest {
	return digest{k.Number, base64url(k.MAC("v1", kind, value))}
}

// blinds are the digests of a value under every live key, by number: two processes
// that write the same value in different stages of a rotation meet in one of them,
// and in the same order.
func (d *DB) blinds(kind, value string) ([]digest, error) {
	if d.Seal == nil {
		return nil, errNoRing
	}
	live := d.Seal().Live(keys.Blind)
	out := make([]digest, len(live))
	for i, k := range live {
		out[i] = blindUnder(k, kind, value)
	}
	return out, nil
}

// either is the digest of a value under the active key, and under the other live
// one; without a rotation the same twice.
func (d *DB) either(kind, value string) (active, other digest, err error) {
	if d.Seal == nil {
		return digest{}, digest{}, errNoRing
	}
	ring := d.Seal()
	active = blindUnder(ring.Current(keys.Blind), kind, value)
	other = active
	for _, k := range ring.Live(keys.Blind) {
		if k.Number != active.number {
			other = blindUnder(k, kind, value)
		}
	}
	return active, other, nil
}

// oddAndEven are the digests under the live keys by the parity of their numbers,
// for tables that have a column for each; of two live keys one is even.
func (d *DB) oddAndEven(kind, value string) (odd, even string, err error) {
	all, err := d.blinds(kind, value)
	for _, b := range all {
		if b.number%2 == 1 {
			odd = b.text
		} else {
			even = b.text
		}
	}
	return odd, even, err
}
