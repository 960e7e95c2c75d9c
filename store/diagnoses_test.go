package store_test

import (
	"fmt"
	"testing"
	"time"

	"kejitong/provider/audit"
	"kejitong/provider/diagnosis"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The log of a client is bounded kind by kind, is its own, and goes with time and
// with the client.
func TestDiagnosesAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.PutClient(ctx, relyingParty("rp"), did(audit.ClientCreated)))
		add := func(client string, kind diagnosis.Kind, from, to int) {
			t.Helper()
			var events []diagnosis.Event
			for i := from; i < to; i++ {
				events = append(events, diagnosis.Event{
					ID: fmt.Sprintf("%s%s%06d", client, kind, i), Client: client, At: clock.Add(time.Duration(i) * time.Second), Kind: kind,
					Endpoint: "/oauth2/token", Error: "invalid_client", Expected: "e", Received: fmt.Sprint(i), Request: "r",
				})
			}
			if err := db.AddDiagnoses(ctx, events, 5, clock.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		have := func(client string, kind diagnosis.Kind, want int) []diagnosis.Event {
			t.Helper()
			out, err := db.Diagnoses(ctx, client, kind, 100)
			if err != nil || len(out) != want {
				t.Fatalf("%d events of %s %s, %v, want %d", len(out), client, kind, err, want)
			}
			return out
		}
		add("rp", diagnosis.Secret, 0, 3)
		add("rp", diagnosis.RedirectURI, 0, 40)
		add("rp", diagnosis.Secret, 3, 9)
		add("nobody", diagnosis.Secret, 0, 3) // no such client
		all := have("rp", "", 10)
		if newest := have("rp", diagnosis.Secret, 5)[0]; newest.Received != "8" || !newest.At.Equal(clock.Add(8*time.Second)) || newest.Request != "r" || newest.Error != "invalid_client" {
			t.Errorf("the newest is %+v", newest)
		}
		if all[0].Client != "rp" {
			t.Errorf("%+v", all[0])
		}
		have("nobody", "", 0)
		if n, err := db.SweepExpired(ctx, clock.Add(time.Hour), 100); err != nil || n != 0 {
			t.Fatalf("%d swept, %v", n, err)
		}
		if n, err := db.SweepExpired(ctx, clock.Add(time.Hour+time.Millisecond), 100); err != nil || n != 10 {
			t.Fatalf("%d swept, %v", n, err)
		}
		have("rp", "", 0)
	})
}
