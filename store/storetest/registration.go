package storetest

import (
	"fmt"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/store"
)

// registrationRaces are those for the uses of an initial access token and for
// one registration access token.
func registrationRaces(db *store.DB, now time.Time) []contest {
	ev := audit.Event{Kind: audit.ClientRegistered, Actor: "race"}
	const uses = 5
	return []contest{
		{"one initial access token used by more than it has uses", 5, uses, func(t *testing.T, s racing) func(int) (bool, error) {
			name := initial(t, db, uses, now)
			return func(i int) (bool, error) {
				c := &client.Client{ID: fmt.Sprintf("%s-%d", name, i), State: client.Active}
				return s.Register(t.Context(), c, "", name, unique(t), now, ev)
			}
		}},
		{"one registration replaced by many", 5, 1, func(t *testing.T, s racing) func(int) (bool, error) {
			name := initial(t, db, 1, now)
			c := client.Client{ID: name, State: client.Active}
			if ok, err := db.Register(t.Context(), &c, "a statement", name, "first "+name, now, ev); err != nil || !ok {
				t.Fatalf("register: %v %v", ok, err)
			}
			return func(i int) (bool, error) {
				mine := c
				return s.Amend(t.Context(), &mine, "", "first "+name, fmt.Sprintf("next %s %d", name, i), ev)
			}
		}},
	}
}

// initial adds an initial access token and gives its id, which is its digest,
// too.
func initial(t *testing.T, db *store.DB, uses int64, now time.Time) string {
	t.Helper()
	id := unique(t)
	err := db.PutInitialToken(t.Context(), client.InitialToken{ID: id, Digest: id, MaxUses: uses, CreatedAt: now, ExpiresAt: now.Add(time.Hour)},
		audit.Event{Kind: audit.InitialMade, Actor: "race"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
