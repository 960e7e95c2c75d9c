package credential_test

import (
	"errors"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/credential"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
)

// The password of another platform signs in, as it came and under argon2id; the
// hash itself does not (S64), and every guess costs one computation.
func TestForeignPasswords(t *testing.T) {
	const password, md5 = "torch-2019", "7ea2ac8a0e8da8bdd8d5cba69b0b4b1b"
	h := &credential.Hasher{MemoryKiB: 64, Time: 1, Foreign: torch.Passwords{}}
	p, err := torch.ReadPassword("md5-salt-password", md5, "salt", 0)
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest, err = p.Recompute(password); err != nil {
		t.Fatal(err)
	}
	phc, err := h.Hash(t.Context(), p.Preimage())
	if err != nil {
		t.Fatal(err)
	}
	for name, stored := range map[string]string{"as it came": p.String(), "wrapped": p.Wrapped(phc)} {
		for typed, want := range map[string]bool{password: true, "torch-2018": false, p.Preimage(): false, md5: false, stored[:40]: false} {
			before := h.Computations()
			ok, again, err := h.Verify(t.Context(), stored, typed)
			if err != nil || ok != want || again != want {
				t.Errorf("%s, %q: %t, rehash %t, %v", name, typed, ok, again, err)
			}
			if n := h.Computations() - before; n != 1 {
				t.Errorf("%s, %q: %d computations, want 1", name, typed, n)
			}
		}
	}
	for name, stored := range map[string]string{"cut": p.String()[:20], "no argon2id": p.Wrapped("$argon2i$x"), "of nobody": "$torch$x$0$$AAAA"} {
		if _, _, err := h.Verify(t.Context(), stored, password); !errors.Is(err, credential.ErrUnusableHash) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := &credential.Hasher{MemoryKiB: 64, Time: 1}
	if _, _, err := none.Verify(t.Context(), p.String(), password); !errors.Is(err, credential.ErrUnusableHash) {
		t.Errorf("without the other platform's schemes: %v", err)
	}
}

// What came over is hashed anew by its owner's first sign-in; a password that
// today's policy would refuse is accepted once more and must then be changed.
func TestForeignPasswordsAreReplaced(t *testing.T) {
	for _, c := range []struct {
		name, password string
		replaced       bool
	}{
		{"good enough", "Torch#2019-long", true},
		{"too weak for today", "torch1", false},
		{"its owner's login name", "18700001111", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.Hasher.Foreign = torch.Passwords{}
			p, err := torch.ReadPassword("md5", "7ea2ac8a0e8da8bdd8d5cba69b0b4b1b", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			if p.Digest, err = p.Recompute(c.password); err != nil {
				t.Fatal(err)
			}
			d.store.logins["18700001111"] = credential.Login{AccountID: "moved", Kind: account.NaturalPerson, State: account.Active, Password: p.String(), Version: 1}
			if _, err := d.try(t, "18700001111", "another"); !fault.Is(err, fault.Unproven) {
				t.Errorf("a wrong password: %v", err)
			}
			proof, err := d.try(t, "18700001111", c.password)
			if err != nil || proof.MustChange == c.replaced {
				t.Errorf("got %+v, %v", proof, err)
			}
			if now := d.store.logins["18700001111"].Password; torch.Foreign(now) == c.replaced {
				t.Errorf("it lies there as %q", now)
			}
			if _, err := d.try(t, "18700001111", c.password); err != nil {
				t.Errorf("the second time: %v", err)
			}
		})
	}
}
