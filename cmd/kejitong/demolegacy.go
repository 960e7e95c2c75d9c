package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
)

// legacyRows is how many accounts of a former platform the demonstration brings
// over; among the first are all outcomes. The last two have something else in
// their way: even HJ_ is taken, and nothing came of them at all.
const (
	legacyBatch   = "demo"
	legacyRows    = 36
	legacyCases   = 21   // the rows that have somebody in their way
	legacySuffix  = 30   // a unit's row whose HJ_ name is taken, too
	legacyHere    = 1000 // a unit that has an account here and had none there
	legacyHeld    = 1001 // a unit that had none there, whose USCC a person holds here
	legacyUnknown = 1002 // a unit that nobody knows
	legacyNobody  = 1003 // a person that nobody knows
)

// legacyAccount is one of them, as the line of JSON names it.
type legacyAccount struct {
	Outcome   string `json:"outcome"`
	Kind      string `json:"kind"` // unit or person
	Key       string `json:"key"`
	LoginName string `json:"login_name"`
	Window    string `json:"window"`
	Password  string `json:"password"` // empty where there is none to give
}

// legacy makes the accounts of the folder's own seed.
func (s *performance) legacy() synthetic {
	seed, err := strconv.ParseUint(s.Secrets[legacySeed], 10, 64)
	if err != nil {
		seed = 1
	}
	return synthetic{seed: seed % 10_000}
}

const legacySeed, legacyOwn = "legacy-seed", "legacy-own"

// legacySecrets makes the seed and the password of the accounts here, if the
// folder lacks them.
func (s *performance) legacySecrets() bool {
	if s.Secrets[legacySeed] != "" {
		return false
	}
	var b [4]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	s.Secrets[legacySeed] = strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[:])), 10)
	s.Secrets[legacyOwn] = "Own-" + randomText(6) + "-7b"
	return true
}

// seedLegacy brings a small former platform over, by the same way as kejitong
// import.
func (s *performance) seedLegacy(ctx context.Context, a *app) error {
	if _, err := a.db.Batch(ctx, legacyBatch); !fault.Is(err, fault.NotFound) {
		return err // it is there already
	}
	g := s.legacy()
	var err error
	if g.phc, err = a.hasher.Hash(ctx, s.Secrets[legacyOwn]); err != nil {
		return err
	}
	if err := g.platform(ctx, a, legacyCases); err != nil {
		return err
	}
	if _, err := g.put(ctx, a, account.NaturalPerson, g.uscc(legacySuffix), "", "", ""); err != nil {
		return err
	}
	if _, err := g.put(ctx, a, account.NaturalPerson, "HJ_"+g.uscc(legacySuffix), "", "", ""); err != nil {
		return err
	}
	if err := g.unitsWay(ctx, a, legacyHere, torch.E2); err != nil {
		return err
	}
	if err := g.unitsWay(ctx, a, legacyHeld, torch.E3); err != nil {
		return err
	}
	path := filepath.Join(s.folder, "torch.csv")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := generateTorch(path, legacyRows, g.seed); err != nil {
		return err
	}
	digest, _, err := digestOf(path)
	if err != nil {
		return err
	}
	b, err := a.db.OpenBatch(ctx, torch.Batch{ID: legacyBatch, Digest: digest, File: filepath.Base(path), By: "demo", CreatedAt: a.clock()})
	if err != nil {
		return err
	}
	wrong := 0
	stager := torch.Stager{Store: a.db, Now: a.clock, Chunk: legacyRows, Report: func(torch.RowError) { wrong++ }, Progress: func(int64, int64) {}}
	if b, err = stager.Stage(ctx, b, rowsOf(path, nil)); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d fields of the demonstration's former platform are wrong", wrong)
	}
	_, err = torch.Commit(ctx, a.db, b.ID, a.clock, audit.Event{Kind: audit.ImportCommitted, Actor: "demo", Object: b.ID, Result: "ok"})
	return err
}

// legacyAccounts lists one account of every outcome.
func (s *performance) legacyAccounts() []legacyAccount {
	g, own := s.legacy(), s.Secrets[legacyOwn]
	var out []legacyAccount
	seen := map[torch.Code]bool{}
	for i := range legacyCases {
		code := g.outcome(i)
		if seen[code] {
			continue
		}
		seen[code] = true
		l := legacyAccount{Outcome: string(code), Kind: person(g, i), Key: key(g, i), Window: string(account.NaturalPerson)}
		l.LoginName, _ = code.LoginName(l.Key, func(string) bool { return false })
		switch m := code.Makes(); {
		case m.Keeps:
			l.Window, l.Password = m.Kind, g.password(l.Key)
		case code == torch.E2:
			l.Window, l.Password = string(account.LegalEntity), own
		case code == torch.I4, code == torch.I5:
			l.LoginName, l.Password = fmt.Sprintf("person-%d", i), own
		default:
			l.Password = own
		}
		out = append(out, l)
	}
	suffixed := g.uscc(legacySuffix)
	return append(out,
		legacyAccount{"E7", "unit", suffixed, "HJ2_" + suffixed, string(account.LegalEntity), g.password(suffixed)},
		legacyAccount{string(torch.E0b), "unit", g.uscc(legacyHere), g.uscc(legacyHere), string(account.LegalEntity), own},
		legacyAccount{Outcome: string(torch.E6), Kind: "unit", Key: g.uscc(legacyHeld)},
		legacyAccount{Outcome: string(torch.E0a), Kind: "unit", Key: g.uscc(legacyUnknown)},
		legacyAccount{Outcome: string(torch.I0), Kind: "person", Key: g.mobile(legacyNobody)},
	)
}

func person(g synthetic, i int) string {
	if g.unit(i) {
		return string(torch.UnitRecord)
	}
	return string(torch.PersonRecord)
}

func key(g synthetic, i int) string {
	if g.unit(i) {
		return g.uscc(i)
	}
	return g.mobile(i)
}
