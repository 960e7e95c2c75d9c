package parting_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/keys"
	"kejitong/provider/parting"
	"kejitong/provider/session"
	"kejitong/store"
	"kejitong/store/storetest"
)

// What was begun is taken once, by its own browser, in time, and says what is
// registered at that moment.
func TestBeginAndTake(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := t.Context(), time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)
		snapshot := db.Seal().(*keys.Snapshot)
		s := &parting.Service{Flow: db, Clients: &client.Registry{Store: db, Now: func() time.Time { return at }}, Keys: func() *keys.Snapshot { return snapshot }, Now: func() time.Time { return at }}
		put := func(id, uri string, state client.State) {
			t.Helper()
			c := &client.Client{ID: id, State: state, Metadata: client.Metadata{FrontchannelLogoutURI: uri}}
			if err := db.PutClient(ctx, c, audit.Event{Kind: audit.ClientChanged}); err != nil {
				t.Fatal(err)
			}
			at = at.Add(time.Second) // the registry looks again
		}
		put("a", "https://a.example/fc?x=1", client.Active)
		put("b", "https://b.example/fc", client.Active)
		put("silent", "", client.Active)
		put("gone", "https://gone.example/fc", client.Disabled)
		ended := session.Ended{ID: "s1", Account: "zhang", Clients: []string{"a", "b", "gone", "never", "silent"}}
		to := parting.Onward{Client: "a", URI: "https://a.example/bye", State: "st&te", Locales: "en", Interaction: "i", Switched: true}
		begin := func(e session.Ended) string {
			t.Helper()
			page, err := s.Begin(ctx, "browser", e, to)
			if err != nil {
				t.Fatal(err)
			}
			if page == "" {
				return ""
			}
			u, err := url.Parse(page)
			if err != nil || u.Path != parting.Path || len(u.Query()) != 1 || strings.Contains(page, "example") {
				t.Fatalf("the page is %s", page)
			}
			return u.Query().Get("parting")
		}
		if id := begin(session.Ended{ID: "s1", Clients: []string{"gone", "never", "silent"}}); id != "" {
			t.Errorf("nobody is to be called, and the page is %s", id)
		}
		if id := begin(session.Ended{ID: "s1"}); id != "" {
			t.Errorf("nobody took part, and the page is %s", id)
		}

		id := begin(ended)
		if _, err := s.Take(ctx, "other", id); !fault.Is(err, fault.Refused) {
			t.Errorf("another browser: %v", err)
		}
		for _, unknown := range []string{"", "x", id + "x", "parting|" + id} {
			if _, err := s.Take(ctx, "browser", unknown); !fault.Is(err, fault.Gone) {
				t.Errorf("%q: %v", unknown, err)
			}
		}
		want := parting.Parting{Onward: to, Frames: []parting.Frame{
			{URI: "https://a.example/fc?x=1", SID: client.SID(snapshot, "a", "s1")}, {URI: "https://b.example/fc", SID: client.SID(snapshot, "b", "s1")},
		}}
		if got, err := s.Take(ctx, "browser", id); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		if got, err := s.Take(ctx, "browser", id); err != nil || !reflect.DeepEqual(got, parting.Parting{Onward: to}) {
			t.Errorf("a second time: %+v, %v", got, err)
		}

		changed := begin(ended)
		put("a", "", client.Active)
		put("b", "https://b.example/moved", client.Active)
		if got, err := s.Take(ctx, "browser", changed); err != nil || len(got.Frames) != 1 || got.Frames[0].URI != "https://b.example/moved" {
			t.Errorf("registered anew meanwhile: %+v, %v", got, err)
		}
		late := begin(ended)
		at = at.Add(2 * time.Minute)
		if _, err := s.Take(ctx, "browser", late); !fault.Is(err, fault.Gone) {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestDone(t *testing.T) {
	for locales, want := range map[string]string{"": "/logout/done", "en zh-CN": "/logout/done?ui_locales=en+zh-CN", "&next=//evil": "/logout/done?ui_locales=%26next%3D%2F%2Fevil"} {
		if got := (parting.Onward{Locales: locales}).Done(); got != want {
			t.Errorf("%q: %s, want %s", locales, got, want)
		}
	}
}
