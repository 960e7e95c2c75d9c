package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

// tiny costs next to nothing; what is tested does not depend on the cost.
func tiny() *credential.Hasher {
	return &credential.Hasher{MemoryKiB: 8, Time: 1, Parallelism: 1, Queue: 1000}
}

func TestStoredHashesThatAreNotHonoured(t *testing.T) {
	const salt, key = "c29tc2FsdHNvbWVzYWx0", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, stored := range map[string]string{
		"nothing":                "",
		"plain text":             "password",
		"4 GiB of memory":        "$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key,
		"memory beyond 32 bits":  "$argon2id$v=19$m=4294967304,t=1,p=1$" + salt + "$" + key,
		"endless passes":         "$argon2id$v=19$m=8,t=4294967295,p=1$" + salt + "$" + key,
		"much memory, many pass": "$argon2id$v=19$m=262144,t=32,p=1$" + salt + "$" + key,
		"256 lanes wrap to none": "$argon2id$v=19$m=4096,t=1,p=256$" + salt + "$" + key,
		"no lane":                "$argon2id$v=19$m=8,t=1,p=0$" + salt + "$" + key,
		"no pass":                "$argon2id$v=19$m=8,t=0,p=1$" + salt + "$" + key,
		"less memory than lanes": "$argon2id$v=19$m=8,t=1,p=2$" + salt + "$" + key,
		"negative memory":        "$argon2id$v=19$m=-8,t=1,p=1$" + salt + "$" + key,
		"parameters reordered":   "$argon2id$v=19$t=1,m=8,p=1$" + salt + "$" + key,
		"argon2i":                "$argon2i$v=19$m=8,t=1,p=1$" + salt + "$" + key,
		"old version":            "$argon2id$v=16$m=8,t=1,p=1$" + salt + "$" + key,
		"empty key":              "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$",
		"short key":              "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$AAAA",
		"short salt":             "$argon2id$v=19$m=8,t=1,p=1$AAAA$" + key,
		"padded base64":          "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + key + "=",
		"huge key":               "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
		"bcrypt":                 "$2a$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
	} {
		t.Run(name, func(t *testing.T) {
			h := tiny()
			ok, rehash, err := h.Verify(t.Context(), stored, "password")
			if ok || rehash || !errors.Is(err, credential.ErrUnusableHash) {
				t.Fatalf("got %v, %v, %v", ok, rehash, err)
			}
			if n := h.Computations(); n != 0 {
				t.Fatalf("%d computations for a hash that is not honoured", n)
			}
			if stored != "" && strings.Contains(err.Error(), key) {
				t.Fatal("the error repeats the hash")
			}
		})
	}
}

func TestPasswordsThatDiffer(t *testing.T) {
	h := tiny()
	seventyTwo := strings.Repeat("a", 72)
	for _, c := range []struct{ name, set, typed string }{
		{"another", "correct horse", "correct horsf"},
		{"empty for set", "correct horse", ""},
		{"case", "Correct", "correct"},
		{"blank at the end is kept", "correct", "correct "},
		{"bytes 72 and 73", seventyTwo + "b", seventyTwo + "c"},
		{"byte 73 missing", seventyTwo + "b", seventyTwo},
		{"NUL ends nothing", "abc\x00def", "abc\x00xyz"},
		{"257 characters", strings.Repeat("a", 256), strings.Repeat("a", 257)},
		{"broken UTF-8", "abc", "abc\xff"},
		{"rare characters", "\U0002A700abcdefg", "\U0002A701abcdefg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			phc, err := h.Hash(t.Context(), c.set)
			if err != nil {
				t.Fatal(err)
			}
			if ok, _, err := h.Verify(t.Context(), phc, c.typed); ok || err != nil {
				t.Fatalf("%q passes for %q (%v)", c.typed, c.set, err)
			}
			if ok, rehash, err := h.Verify(t.Context(), phc, c.set); !ok || rehash || err != nil {
				t.Fatalf("its own password: %v, %v, %v", ok, rehash, err)
			}
			if ok, _, err := h.Verify(t.Context(), phc, phc); ok || err != nil {
				t.Fatalf("the hash passes for the password (%v)", err)
			}
		})
	}
}

func TestCompatibleSpellingsAreOnePassword(t *testing.T) {
	h := tiny()
	phc, err := h.Hash(t.Context(), "Ｐａｓｓｗｏｒｄ１é")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.Verify(t.Context(), phc, "Password1e\u0301"); !ok || err != nil {
		t.Fatalf("got %v, %v", ok, err)
	}
}

func TestOverlongPasswordsCostNothing(t *testing.T) {
	h := tiny()
	phc, err := h.Hash(t.Context(), strings.Repeat("长", 256))
	if err != nil {
		t.Fatalf("256 characters refused: %v", err)
	}
	before := h.Computations()
	for name, long := range map[string]string{
		"257 characters":                   strings.Repeat("长", 257),
		"a megabyte":                       strings.Repeat("a", 1<<20),
		"a ligature that NFKC makes long":  strings.Repeat("\ufdfa", 256),
		"combining marks without an end":   "a" + strings.Repeat("\u0301", 1<<16),
		"broken UTF-8 of a megabyte":       strings.Repeat("\xff", 1<<20),
		"exactly one more after the limit": strings.Repeat("x", 257),
	} {
		if ok, _, err := h.Verify(t.Context(), phc, long); ok || err != nil {
			t.Errorf("%s: got %v, %v; want a plain mismatch", name, ok, err)
		}
		if _, err := h.Hash(t.Context(), long); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: hashed (%v)", name, err)
		}
	}
	if after := h.Computations(); after != before {
		t.Errorf("%d computations", after-before)
	}
}

func TestRehashWhenTheCostChanges(t *testing.T) {
	old, err := (&credential.Hasher{MemoryKiB: 16, Time: 1}).Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		h     *credential.Hasher
		typed string
		want  bool
	}{
		{"wrong password never asks", &credential.Hasher{MemoryKiB: 32, Time: 1}, "passwore", false},
		{"same cost", &credential.Hasher{MemoryKiB: 16, Time: 1}, "password", false},
		{"more memory", &credential.Hasher{MemoryKiB: 32, Time: 1}, "password", true},
		{"more passes", &credential.Hasher{MemoryKiB: 16, Time: 2}, "password", true},
		{"more lanes", &credential.Hasher{MemoryKiB: 16, Time: 1, Parallelism: 2}, "password", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got, err := c.h.Verify(t.Context(), old, c.typed); got != c.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestForeignHashVerifies(t *testing.T) {
	// The reference implementation's own test: password, somesalt, t=2, 64 MiB.
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, rehash, err := tiny().Verify(t.Context(), stored, "password")
	if !ok || !rehash || err != nil {
		t.Fatalf("got %v, %v, %v", ok, rehash, err)
	}
}

func TestRealCost(t *testing.T) {
	h := &credential.Hasher{}
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	phc, err := h.Hash(t.Context(), "Gr8-Teapot!")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("got %q, %v", phc, err)
	}
	if ok, rehash, err := h.Verify(t.Context(), phc, "Gr8-Teapot!"); !ok || rehash || err != nil {
		t.Fatalf("got %v, %v, %v", ok, rehash, err)
	}
	if again, _ := h.Hash(t.Context(), "Gr8-Teapot!"); again == phc {
		t.Error("two hashes of one password are equal: the salt is not random")
	}
}

func TestCostFloor(t *testing.T) {
	for _, c := range []struct {
		name string
		h    *credential.Hasher
		ok   bool
	}{
		{"tiny", tiny(), false},
		{"one pass at 19 MiB", &credential.Hasher{Time: 1}, false},
		{"more passes do not replace memory", &credential.Hasher{MemoryKiB: 9728, Time: 8}, false},
		{"beyond what is honoured", &credential.Hasher{MemoryKiB: 4 << 20}, false},
		{"floor", &credential.Hasher{}, true},
		{"46 MiB, one pass", &credential.Hasher{MemoryKiB: 47104, Time: 1}, true},
		{"64 MiB", &credential.Hasher{MemoryKiB: 65536, Time: 2}, true},
	} {
		if err := c.h.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := (&credential.Hasher{MemoryKiB: 4 << 20}).Hash(t.Context(), "x"); err == nil {
		t.Error("hashed at a cost that no verification would honour")
	}
}

func TestFullQueueIsToldAtOnce(t *testing.T) {
	h := &credential.Hasher{MemoryKiB: 8, Time: 1, Concurrency: 2, Queue: 3}
	var tickets []*credential.Ticket
	for i := range 5 {
		ticket, err := h.Admit()
		if err != nil {
			t.Fatalf("place %d: %v", i+1, err)
		}
		tickets = append(tickets, ticket)
	}
	_, err := h.Hash(t.Context(), "password")
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Fatalf("sixth place: %v; want fault.Unavailable with RetryAfter", err)
	}
	tickets[0].Release()
	tickets[0].Release() // twice gives one place back
	if _, err := h.Hash(t.Context(), "password"); err != nil {
		t.Fatalf("after one left: %v", err)
	}
	if _, err := h.Admit(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Admit(); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("a ticket released twice gave two places back: %v", err)
	}
}

func TestNoQueueAtAll(t *testing.T) {
	h := &credential.Hasher{MemoryKiB: 8, Time: 1, Concurrency: 1, Queue: -1}
	if _, err := h.Admit(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Admit(); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestWhoHasLeftIsNotServed(t *testing.T) {
	h := tiny()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n := h.Computations(); n != 0 {
		t.Errorf("%d computations", n)
	}
}

func FuzzStoredHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tc2FsdHNvbWVzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4194304,t=1,p=1$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, stored string) {
		credential.ParseStored(stored)
	})
}

func BenchmarkVerifyRealCost(b *testing.B) {
	h := &credential.Hasher{Queue: 1 << 16}
	phc, err := h.Hash(b.Context(), "Gr8-Teapot!")
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if ok, _, err := h.Verify(b.Context(), phc, "Gr8-Teapot!"); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}
