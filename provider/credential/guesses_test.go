package credential_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/credential"
)

// Beyond the account's limit each address has one guess per lock: guessers get
// no further, and the owner gets in and has all guesses again.
func TestHundredGuessesFromEverywhere(t *testing.T) {
	d := newDesk(t)
	guess := func(ip, password string) error {
		_, err := d.Verify(t.Context(), "18711111111", password, account.NaturalPerson, ip)
		return err
	}
	for i := range 60 {
		for range 2 {
			_ = guess(fmt.Sprintf("192.0.2.%d", i), "wrong")
		}
	}
	if n := d.Hasher.Computations(); n != 110 {
		t.Errorf("%d guesses verified, want 100 and one from each of ten more", n)
	}
	var f *credential.Failure
	if err := guess("192.0.2.59", right); !errors.As(err, &f) || f.Reason != credential.AccountExhausted {
		t.Fatalf("a second guess from one address: %v", err)
	}
	if err := guess("198.51.100.1", "wrong"); !errors.As(err, &f) || f.Reason != credential.Mismatch {
		t.Fatalf("a first guess from another address: %v", err)
	}
	if err := guess("198.51.100.1", right); !errors.As(err, &f) || f.Reason != credential.AccountExhausted {
		t.Fatalf("the owner after a mistake: %v", err)
	}
	d.now = d.now.Add(15 * time.Minute)
	if err := guess("198.51.100.1", right); err != nil {
		t.Fatalf("the owner is locked out: %v", err)
	}
	for range 5 {
		if err := guess("198.51.100.1", "wrong"); !errors.As(err, &f) || f.Reason != credential.Mismatch {
			t.Fatalf("after a success: %v", err)
		}
	}
}
