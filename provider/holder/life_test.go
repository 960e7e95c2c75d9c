package holder_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/holder"
	"kejitong/provider/notify"
	"kejitong/provider/session"
	"kejitong/store"
	"kejitong/store/storetest"
)

// The outside world: everybody solves captchas and reads his codes.
type willing struct{}

func (willing) Draw(context.Context, string, challenge.Purpose) (challenge.Captcha, error) {
	return challenge.Captcha{ID: "c"}, nil
}
func (willing) Solve(context.Context, string, challenge.Purpose, string, string) error { return nil }
func (willing) Send(context.Context, challenge.Ask, audit.Event) (challenge.Sent, error) {
	return challenge.Sent{}, nil
}
func (willing) Check(_ context.Context, t challenge.Try) error {
	if t.Code != "right" {
		return &fault.Error{Kind: fault.Invalid, Field: "code", Msg: challenge.MsgCode}
	}
	return nil
}
func (willing) Queue(context.Context, notify.Message) error { return nil }

// model is what ought to be: when an account will be closed, and whether it is.
type model struct {
	due    time.Time // zero unless it is closing
	closed bool
}

// Whatever people do in whatever order, an account is closed exactly when its time
// ran out without a sign-in, and never comes back from that.
func TestClosingIsAStateMachine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const cooling = 7 * 24 * time.Hour
		for seed := range uint64(6) {
			r := rand.New(rand.NewPCG(seed, 2026))
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			db.Now = func() time.Time { return now }
			s := &holder.Service{Store: db, Captchas: willing{}, Codes: willing{}, Queue: willing{}, Now: db.Now}
			ctx := context.WithoutCancel(t.Context())
			var ids []account.ID
			models := map[account.ID]*model{}
			for i := range 3 {
				id := account.ID(fmt.Sprintf("p%d-%d", seed, i))
				a := account.Account{ID: id, Kind: account.NaturalPerson, State: account.Active, LoginName: string(id), LoginKey: string(id),
					Profile:   account.Profile{Phone: "+8613800138000", PhoneVerified: true},
					CreatedAt: now, UpdatedAt: now}
				if err := db.PutAccount(ctx, a, "$argon2id$x", audit.Event{Kind: audit.AccountCreated}); err != nil {
					t.Fatal(err)
				}
				ids, models[id] = append(ids, id), &model{}
			}
			sessions := 0
			for step := range 50 {
				id := ids[r.IntN(len(ids))]
				m := models[id]
				now = now.Add(time.Duration(r.IntN(40)) * time.Hour)
				switch op := r.IntN(5); op {
				case 0, 1: // asks to close
					who := holder.Asker{Account: id}
					_, err := s.AskClosing(ctx, who)
					if err == nil && r.IntN(3) == 0 {
						if _, err := s.Close(ctx, who, "wrong", true); !fault.Is(err, fault.Invalid) {
							t.Fatalf("closed with a wrong code: %v", err)
						}
					}
					if err == nil {
						_, err = s.Close(ctx, who, "right", true)
					}
					want := !m.closed && m.due.IsZero()
					if (err == nil) != want {
						t.Fatalf("seed %d step %d: close %s: %v, want %v", seed, step, id, err, want)
					}
					if want {
						m.due = now.Add(cooling)
					}
				case 2: // signs in
					now = now.Add(time.Second)
					sessions++
					key := fmt.Sprintf("k%d-%d", seed, sessions)
					a, err := db.HeldAccount(ctx, id)
					if err != nil {
						t.Fatal(err)
					}
					_, err = db.StartSession(ctx, session.Session{Key: key, ID: key, Account: id, AuthTime: now, CreatedAt: now, SeenAt: now,
						ExpiresAt: now.Add(12 * time.Hour), Proved: a.Version}, "", audit.Event{Kind: audit.SignInSucceeded})
					if (err == nil) == m.closed {
						t.Fatalf("seed %d step %d: sign-in to %s: %v, closed %v", seed, step, id, err, m.closed)
					}
					if err == nil {
						m.due = time.Time{}
					}
				default: // time passes, the house is kept
					if err := s.Tend(ctx); err != nil {
						t.Fatal(err)
					}
					for _, m := range models {
						if !m.due.IsZero() && !now.Before(m.due) {
							m.due, m.closed = time.Time{}, true
						}
					}
				}
				for _, id := range ids {
					a, err := db.HeldAccount(ctx, id)
					if err != nil || (a.State == account.Closed) != models[id].closed {
						t.Fatalf("seed %d step %d: %s is %s, want closed %v, %v", seed, step, id, a.State, models[id].closed, err)
					}
				}
			}
		}
	})
}

// Of a sign-in and the end of the time that come together, one wins: never is a
// session open to an account that is closed.
func TestSignInAgainstTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.WithoutCancel(t.Context())
		for round := range 12 {
			now := time.Now().UTC()
			id := account.ID(fmt.Sprintf("r%d", round))
			a := account.Account{ID: id, Kind: account.NaturalPerson, State: account.Active, LoginName: string(id), LoginKey: string(id), CreatedAt: now, UpdatedAt: now}
			if err := db.PutAccount(ctx, a, "$argon2id$x", audit.Event{Kind: audit.AccountCreated}); err != nil {
				t.Fatal(err)
			}
			s := &holder.Service{Store: db, Captchas: willing{}, Codes: willing{}, Queue: willing{}, Now: func() time.Time { return now }}
			if _, err := s.AskClosing(ctx, holder.Asker{Account: id}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Close(ctx, holder.Asker{Account: id}, "", true); err != nil {
				t.Fatal(err)
			}
			late := *s
			end := now.Add(8 * 24 * time.Hour)
			late.Now = func() time.Time { return end }
			done := make(chan error, 2)
			go func() { done <- late.Tend(ctx) }()
			go func() {
				_, err := db.StartSession(ctx, session.Session{Key: string(id), ID: string(id), Account: id, AuthTime: end, CreatedAt: end, SeenAt: end,
					ExpiresAt: end.Add(time.Hour), Proved: 1}, "", audit.Event{Kind: audit.SignInSucceeded})
				if fault.Is(err, fault.Unproven) {
					err = nil
				}
				done <- err
			}()
			for range 2 {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			if err := late.Tend(ctx); err != nil {
				t.Fatal(err)
			}
			after, err := db.HeldAccount(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			v, err := db.ByCookie(ctx, string(id), "")
			open := err == nil && v.Session.EndedAt.IsZero()
			if closed := after.State == account.Closed; closed == open {
				t.Errorf("round %d: closed %v, session open %v", round, closed, open)
			}
		}
	})
}
