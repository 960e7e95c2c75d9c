package store_test

import (
	"reflect"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/session"
	"kejitong/provider/token"
	"kejitong/store"
	"kejitong/store/storetest"
)

func TestPrincipalsComeBackAsTheyWereStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		db.Now = func() time.Time { return clock }
		seed(t, db)

		if _, err := db.ByAccount(ctx, "nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("unknown account: %v", err)
		}
		if _, err := db.ByCookie(ctx, "no such key", "rp"); !fault.Is(err, fault.NotFound) {
			t.Errorf("unknown cookie: %v", err)
		}
		if _, err := db.ByGrant(ctx, "no such grant"); !fault.Is(err, fault.NotFound) {
			t.Errorf("unknown grant: %v", err)
		}

		zhang := person("zhang", "zhang")
		zhang.Version = 1
		m := mandate()
		want := principal.Principal{Account: zhang, Grants: entitlements()}
		want.Mandates = append(want.Mandates, m)
		got, err := db.ByAccount(ctx, "zhang")
		must(t, err)
		same(t, "person", got, want)

		legal := person("firm", "firm")
		legal.Kind, legal.UnitID, legal.Version = account.LegalEntity, "u-firm", 1
		unit := firm()
		got, err = db.ByAccount(ctx, "firm")
		must(t, err)
		same(t, "legal account", got, principal.Principal{Account: legal, Unit: &unit})

		s := visit("k1", "s1", "zhang")
		s.Actor, s.Shared, s.UnitID = "firm", true, "u-firm"
		_, err = db.StartSession(ctx, s, "", did(audit.SignInSucceeded))
		must(t, err)
		v, err := db.ByCookie(ctx, "k1", "rp")
		must(t, err)
		same(t, "visit without consent", v, principal.Visit{Session: s, Principal: want, Actor: &legal})
		must(t, db.GiveConsent(ctx, allowed(), did(audit.ConsentGiven)))
		v, err = db.ByCookie(ctx, "k1", "rp")
		must(t, err)
		same(t, "visit", v, principal.Visit{Session: s, Principal: want, Actor: &legal, Consent: allowed()})
		if v, err = db.ByCookie(ctx, "k1", "another"); err != nil || len(v.Consent.Scopes) > 0 {
			t.Errorf("consent given to rp shows for another client: %v %v", v.Consent, err)
		}

		g := newGrant(t, "rp", "s1", "zhang")
		ok, err := db.OpenGrant(ctx, g, token.Consume{}, did(audit.ClaimsReleased))
		if err != nil || !ok {
			t.Fatalf("open grant: %v %v", ok, err)
		}
		h, err := db.ByGrant(ctx, g.ID)
		must(t, err)
		same(t, "held", h, principal.Held{Grant: *g, Principal: want, Actor: &legal})

		t.Run("session over", func(t *testing.T) {
			db.Now = func() time.Time { return s.ExpiresAt }
			if h, err := db.ByGrant(ctx, g.ID); err != nil || !h.SessionOver {
				t.Errorf("at the absolute end: over = %v, %v", h.SessionOver, err)
			}
			db.Now = func() time.Time { return clock }
			_, err := db.EndSessions(ctx, session.Which{Key: "k1"}, clock, did(audit.SessionEnded))
			must(t, err)
			if h, err := db.ByGrant(ctx, g.ID); err != nil || !h.SessionOver || h.Grant.State != token.Revoked {
				t.Errorf("ended: over = %v, state %d, %v", h.SessionOver, h.Grant.State, err)
			}
			if v, err := db.ByCookie(ctx, "k1", ""); err != nil || !v.Session.EndedAt.Equal(clock) {
				t.Errorf("ended session by cookie: ended at %v, %v", v.Session.EndedAt, err)
			}
		})
	})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
