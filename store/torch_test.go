package store_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/credential"
	"kejitong/provider/entitlement"
	"kejitong/provider/fault"
	"kejitong/provider/torch"
	"kejitong/store"
	"kejitong/store/storetest"
)

// town is a platform with somebody on every side of the decision tables.
type town struct {
	t  *testing.T
	db *store.DB
	n  int
}

const (
	uE1, uE2, uE3, uE4, uE5 = "91110000MA00000077", "91110108MA01ET88XL", "92310000MA1GT0001P", "93440000MA0T000038", "11110000000000019K"
	uRival, uClosed         = "1211000040000000XT", "51110000500000015U"
)

// resident gives the n-th identity number of a region that was never issued.
func resident(n int) string {
	body := fmt.Sprintf("11000019900101%03d", n)
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

// account registers somebody; doc and phone are proved if they are given.
func (w *town) account(kind account.Kind, login, doc, phone, unit string) account.ID {
	w.t.Helper()
	w.n++
	a := account.Account{ID: account.ID(fmt.Sprintf("here-%d", w.n)), Kind: kind, State: account.Active, LoginName: login, LoginKey: strings.ToLower(login), UnitID: unit,
		RealName: account.RealName{Status: account.StatusUnverified, Level: "L0"}, CreatedAt: clock, UpdatedAt: clock}
	if doc != "" {
		a.RealName = account.RealName{Status: account.StatusVerified, Level: "L2"}
		a.Profile.IDType, a.Profile.IDNumber = account.DocResident, doc
	}
	a.Profile.Phone, a.Profile.PhoneVerified = phone, phone != ""
	must(w.t, w.db.PutAccount(w.t.Context(), a, "", did(audit.AccountCreated)))
	return a.ID
}

// unit registers a legal account with its unit.
func (w *town) unit(uscc, login string, verified bool) account.ID {
	w.t.Helper()
	id := w.account(account.LegalEntity, login, "", "", "unit-"+uscc)
	u := account.Unit{ID: "unit-" + uscc, USCC: account.USCC(uscc), Name: "单位" + uscc, Type: account.UnitEnterprise, Status: account.UnitRegistered, State: account.Active, AccountID: id,
		RealName: account.RealName{Status: account.StatusUnverified, Level: "L0"}}
	if verified {
		u.RealName = account.RealName{Status: account.StatusVerified, Level: "L2"}
	}
	must(w.t, w.db.PutUnit(w.t.Context(), u, did(audit.AccountCreated)))
	return id
}

func newTown(t *testing.T, db *store.DB) *town {
	w := &town{t: t, db: db}
	for _, id := range []entitlement.SystemID{"hightech_enterprise", "tech_sme", "other"} {
		must(t, db.PutSystem(t.Context(), entitlement.System{ID: id, NameZH: "系统", NameEN: "system", Actions: []string{"apply", "report"}, Level: "L2", Earned: id != "other"}, did(audit.AccountCreated)))
	}
	w.unit(uE2, uE2, false)
	w.account(account.NaturalPerson, uE3, "", "", "")
	w.unit(uE4, "factory", true)
	w.unit(uE5, "works", true)
	w.account(account.NaturalPerson, uE5, "", "", "")
	w.unit(uRival, "squatter", false)
	w.account(account.NaturalPerson, "18700000002", resident(2), "", "")                 // I2: own, by document
	w.account(account.NaturalPerson, "18700000003", resident(103), "", "")               // I3: somebody else's document
	w.account(account.NaturalPerson, "elsewhere4", resident(4), "", "")                  // I4
	w.account(account.NaturalPerson, "elsewhere5", resident(5), "", "")                  // I5
	w.account(account.NaturalPerson, "18700000005", "", "+8618799999999", "")            // I5: the name is held
	w.account(account.NaturalPerson, "elsewhere6", resident(6), "", "")                  // I6
	w.account(account.NaturalPerson, "18700000006", "", "+8618700000006", "")            // I6: own, by the proved number
	w.account(account.NaturalPerson, "18700000007", "", "+8618700000007", "")            // I2: own, by the proved number
	w.account(account.NaturalPerson, "18700000008", resident(108), "+8618700000008", "") // I3: another document, although the number is proved
	return w
}

func unitRow(n int, uscc string) torch.Record {
	return torch.Record{Row: n, Kind: torch.UnitRecord, Key: uscc, UnitName: "火炬" + uscc, Contact: "王五", Mobile: "+8613800000000", Password: legacyOf("torch-" + uscc)}
}

func personRow(n int, mobile, id string) torch.Record {
	return torch.Record{Row: n, Kind: torch.PersonRecord, Key: mobile, Mobile: "+86" + mobile, IDNumber: id, Contact: "李四", Password: legacyOf("torch-" + mobile)}
}

func legacyOf(password string) torch.Password {
	p := torch.Password{Scheme: "md5-salt-password", Salt: []byte("salt")}
	p.Digest, _ = p.Recompute(password) //nolint:errcheck // a known scheme
	return p
}

// cast is a file with every outcome, by row.
func cast() (records []torch.Record, want map[int]torch.Code) {
	records = []torch.Record{
		unitRow(2, uE1), unitRow(3, uE2), unitRow(4, uE3), unitRow(5, uE4), unitRow(6, uE5), unitRow(7, uRival),
		personRow(11, "18700000001", resident(1)), personRow(12, "18700000002", resident(2)), personRow(13, "18700000003", resident(3)), personRow(14, "18700000004", resident(4)),
		personRow(15, "18700000005", resident(5)), personRow(16, "18700000006", resident(6)), personRow(17, "18700000007", ""), personRow(18, "18700000008", resident(8)),
	}
	want = map[int]torch.Code{2: torch.E1, 3: torch.E2, 4: torch.E3, 5: torch.E4, 6: torch.E5, 7: torch.E1,
		11: torch.I1, 12: torch.I2, 13: torch.I3, 14: torch.I4, 15: torch.I5, 16: torch.I6, 17: torch.I2, 18: torch.I3}
	return records, want
}

func counted(want map[int]torch.Code) map[torch.Code]int64 {
	out := map[torch.Code]int64{}
	for _, c := range want {
		out[c]++
	}
	return out
}

func stageAll(t *testing.T, db *store.DB, batch string, records []torch.Record) {
	t.Helper()
	_, err := db.OpenBatch(t.Context(), torch.Batch{ID: batch, Digest: "digest-" + batch, File: batch + ".csv", By: "root", CreatedAt: clock})
	must(t, err)
	twice, err := db.Stage(t.Context(), batch, records, []torch.RowError{{Row: 99, Field: torch.ColumnKey, Msg: torch.MsgText}}, clock)
	if err != nil || len(twice) > 0 {
		t.Fatal(twice, err)
	}
	b, err := db.CloseStaging(t.Context(), batch, int64(len(records))+1)
	if err != nil || b.State != torch.Prepared || b.Staged != int64(len(records)) || b.Bad != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
}

func TestTorchImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		newTown(t, db)
		records, want := cast()
		stageAll(t, db, "first", records)
		ev := audit.Event{Kind: audit.ImportCommitted, Actor: "operator", Object: "first"}

		plan, err := db.Preview(ctx, "first", torch.Rules(), clock)
		must(t, err)
		if !maps.Equal(plan.Outcomes, counted(want)) || plan.Made != 8 || plan.Grants != 2 || plan.Rivals != 1 || plan.Known != 0 || plan.Legacy != 8 {
			t.Errorf("the plan is %+v, want %v", plan, counted(want))
		}
		for _, s := range plan.Samples {
			if s.Outcome != want[s.Row] || s.Rival != (s.Row == 7) {
				t.Errorf("sample %+v, want %s", s, want[s.Row])
			}
			if strings.Contains(s.Key+s.LoginName, "18700000") {
				t.Errorf("a plan tells a number: %+v", s)
			}
		}
		if _, err := db.AccountByLogin(ctx, strings.ToLower(uE1)); !fault.Is(err, fault.NotFound) {
			t.Errorf("a preview made an account: %v", err)
		}
		done, err := db.Commit(ctx, "first", torch.Rules(), clock, ev)
		must(t, err)
		if !maps.Equal(done.Outcomes, plan.Outcomes) || done.Made != plan.Made {
			t.Errorf("done %+v, planned %+v", done, plan)
		}
		for login, want := range map[string]struct {
			kind account.Kind
			unit bool
		}{
			uE1: {account.LegalEntity, true}, "HJ_" + uE3: {account.LegalEntity, true}, uE4: {account.NaturalPerson, false}, "HJ_" + uE5: {account.NaturalPerson, false},
			uRival: {account.LegalEntity, true}, "18700000001": {account.NaturalPerson, false}, "HJ_18700000003": {account.NaturalPerson, false}, "HJ_18700000008": {account.NaturalPerson, false},
		} {
			a, err := db.AccountByLogin(ctx, strings.ToLower(login))
			if err != nil || a.Kind != want.kind || (a.UnitID != "") != want.unit || a.LoginName != login || a.RealName.Status != account.StatusUnverified {
				t.Errorf("%s: %+v, %v", login, a, err)
				continue
			}
			l, err := db.FindLogin(ctx, strings.ToLower(login))
			key := strings.TrimPrefix(login, "HJ_")
			if ok, verr := storedMatches(l, "torch-"+key); err != nil || verr != nil || !ok {
				t.Errorf("%s: the password of the former platform does not match: %v, %v", login, err, verr)
			}
			who, err := db.ByAccount(ctx, a.ID)
			must(t, err)
			if want.unit && (who.Unit == nil || string(who.Unit.USCC) != key || who.Unit.AccountID != a.ID) {
				t.Errorf("%s stands for %+v", login, who.Unit)
			}
			migrates := login == uE4 || login == "HJ_"+uE5
			if got := len(who.Grants); got != map[bool]int{true: 2}[migrates] {
				t.Errorf("%s has %d grants", login, got)
			}
			for _, g := range who.Grants {
				if g.State != entitlement.Pending || g.Source != entitlement.TorchMigration || g.Live(clock) || !slices.Equal(g.Actions, []string{"apply", "report"}) {
					t.Errorf("%s: grant %+v", login, g)
				}
			}
		}
		squatter, err := db.AccountByLogin(ctx, "squatter")
		if err != nil || squatter.UnitID != "" {
			t.Errorf("an unverified account still rules over the unit: %+v, %v", squatter, err)
		}

		// Again, in the same batch and in another one: nothing changes.
		if _, err := db.Commit(ctx, "first", torch.Rules(), clock, ev); !fault.Is(err, fault.Conflict) {
			t.Errorf("committed twice: %v", err)
		}
		stageAll(t, db, "second", records)
		again, err := db.Commit(ctx, "second", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted, Object: "second"})
		if err != nil || again.Made != 0 || again.Known != int64(len(records)) || len(again.Outcomes) != 0 {
			t.Errorf("imported again: %+v, %v", again, err)
		}
		must(t, db.Revert(ctx, "second", clock, audit.Event{Kind: audit.ImportReverted}))

		// Used accounts keep a batch from being taken back; unused ones go.
		e1, err := db.AccountByLogin(ctx, strings.ToLower(uE1))
		must(t, err)
		must(t, db.SetAccountState(ctx, e1.ID, account.Frozen, did(audit.AccountCreated)))
		if err := db.Revert(ctx, "first", clock, audit.Event{Kind: audit.ImportReverted}); !fault.Is(err, fault.Conflict) {
			t.Errorf("taken back under somebody's feet: %v", err)
		}
		if _, err := db.AccountByLogin(ctx, "hj_18700000003"); err != nil {
			t.Errorf("a refused revert took something: %v", err)
		}
	})
}

func storedMatches(l credential.Login, password string) (bool, error) {
	p, phc, err := torch.ParseStored(l.Password)
	if err != nil || phc != "" {
		return false, err
	}
	return p.Matches(password)
}

func TestTorchRevert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		newTown(t, db)
		records, _ := cast()
		stageAll(t, db, "b", records)
		_, err := db.Commit(ctx, "b", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted})
		must(t, err)
		must(t, db.Revert(ctx, "b", clock.Add(time.Hour), audit.Event{Kind: audit.ImportReverted}))
		for _, login := range []string{uE1, "HJ_" + uE3, uE4, "HJ_" + uE5, uRival, "18700000001", "HJ_18700000003"} {
			if _, err := db.AccountByLogin(ctx, strings.ToLower(login)); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s is still there: %v", login, err)
			}
		}
		squatter, err := db.AccountByLogin(ctx, "squatter")
		if err != nil || squatter.UnitID != "unit-"+uRival {
			t.Errorf("the rival did not get its unit back: %+v, %v", squatter, err)
		}
		u, err := db.UnitByUSCC(ctx, uRival)
		if err != nil || u.AccountID != squatter.ID {
			t.Errorf("unit %+v, %v", u, err)
		}
		if _, err := db.UnitByUSCC(ctx, uE1); !fault.Is(err, fault.NotFound) {
			t.Errorf("the unit stays: %v", err)
		}
		stageAll(t, db, "c", records)
		if p, err := db.Commit(ctx, "c", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted}); err != nil || p.Made != 8 {
			t.Errorf("after a revert: %+v, %v", p, err)
		}
	})
}

// Names that are taken even with HJ_, and the same key twice in a file.
func TestTorchNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		w := newTown(t, db)
		w.account(account.LegalEntity, "HJ_"+uE3, "", "", "")
		w.account(account.LegalEntity, "HJ2_"+uE3, "", "", "")
		_, err := db.OpenBatch(ctx, torch.Batch{ID: "b", Digest: "d", CreatedAt: clock})
		must(t, err)
		twice, err := db.Stage(ctx, "b", []torch.Record{unitRow(2, uE3), unitRow(3, uE3), unitRow(4, uE1)}, nil, clock)
		if err != nil || !slices.Equal(twice, []int{3}) {
			t.Errorf("twice in the file: %v, %v", twice, err)
		}
		if n, err := db.LastStaged(ctx, "b"); err != nil || n != 4 {
			t.Errorf("last row %d, %v", n, err)
		}
		if _, err := db.OpenBatch(ctx, torch.Batch{ID: "b", Digest: "another file", CreatedAt: clock}); !fault.Is(err, fault.Conflict) {
			t.Errorf("another file under the name of a batch: %v", err)
		}
		if _, err := db.Commit(ctx, "b", torch.Rules(), clock, audit.Event{}); !fault.Is(err, fault.Conflict) {
			t.Errorf("committed half staged: %v", err)
		}
		_, err = db.CloseStaging(ctx, "b", 3)
		must(t, err)
		p, err := db.Commit(ctx, "b", torch.Rules(), clock, audit.Event{Kind: audit.ImportCommitted})
		if err != nil || p.Suffixed != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		if a, err := db.AccountByLogin(ctx, strings.ToLower("HJ3_"+uE3)); err != nil || a.LoginName != "HJ3_"+uE3 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
