package recovery_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"kejitong/provider/recovery"
)

var deeds = []recovery.Deed{
	recovery.File, recovery.Approve, recovery.Reject, recovery.Object, recovery.Withdraw, recovery.Redeem, recovery.Lapse, recovery.Concern, "nothing",
}

// Whatever happens in whatever order, a password is set only after two approvals
// that no objection followed, and nothing happens after an end (S57, S58).
func TestEveryLifeOfAnAppeal(t *testing.T) {
	const seed = 20261126
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test that can be repeated
	redeemed := 0
	for walk := range 20000 {
		s, approvals := recovery.Filed, 0
		for range 12 {
			d := deeds[r.IntN(len(deeds))]
			next, ok := recovery.Next(s, d)
			switch {
			case !ok && next != s:
				t.Fatalf("walk %d: a refused %s led from %s to %s", walk, d, s, next)
			case !s.Open() && ok:
				t.Fatalf("walk %d: %s after the end %s", walk, d, s)
			case ok && d == recovery.Approve:
				approvals++
			case ok && d == recovery.Object:
				approvals = 0
			}
			if next == recovery.Redeemed && s != recovery.Redeemed {
				redeemed++
				if approvals != 2 || d != recovery.Redeem {
					t.Fatalf("walk %d: redeemed by %s after %d approvals", walk, d, approvals)
				}
			}
			if next == recovery.Approved && approvals != 2 {
				t.Fatalf("walk %d: approved after %d approvals", walk, approvals)
			}
			s = next
		}
	}
	if redeemed < 50 {
		t.Errorf("only %d walks reached a password: the test sees nothing", redeemed)
	}
}

// Every pair of state and deed is decided, and the table is this one.
func TestAppealsTable(t *testing.T) {
	want := map[recovery.State]map[recovery.Deed]recovery.State{
		recovery.Filed: {recovery.Approve: recovery.Seconding, recovery.Reject: recovery.Rejected, recovery.Object: recovery.Contested,
			recovery.Withdraw: recovery.Withdrawn, recovery.Lapse: recovery.Expired, recovery.Concern: recovery.Filed},
		recovery.Contested: {recovery.Approve: recovery.Seconding, recovery.Reject: recovery.Rejected, recovery.Withdraw: recovery.Withdrawn,
			recovery.Lapse: recovery.Expired, recovery.Concern: recovery.Contested},
		recovery.Seconding: {recovery.Approve: recovery.Approved, recovery.Reject: recovery.Rejected, recovery.Object: recovery.Contested,
			recovery.Withdraw: recovery.Withdrawn, recovery.Lapse: recovery.Expired},
		recovery.Approved: {recovery.Reject: recovery.Rejected, recovery.Object: recovery.Contested, recovery.Withdraw: recovery.Withdrawn,
			recovery.Redeem: recovery.Redeemed, recovery.Lapse: recovery.Expired},
	}
	for _, s := range recovery.States() {
		for _, d := range deeds {
			next, ok := recovery.Next(s, d)
			if w, allowed := want[s][d]; ok != allowed || ok && next != w {
				t.Errorf("%s in %s gives %s %v", d, s, next, ok)
			}
		}
	}
}

// A flow comes to its end only by way of a code that was right; no step is left
// out, taken back or taken by another way (S56).
func TestEveryWayOfAFlow(t *testing.T) {
	steps := []recovery.Step{recovery.Begun, recovery.Sent, recovery.Proved, recovery.Done, "forged"}
	allowed := map[[2]recovery.Step]bool{
		{recovery.Begun, recovery.Sent}: true, {recovery.Sent, recovery.Sent}: true, {recovery.Sent, recovery.Proved}: true,
		{recovery.Proved, recovery.Proved}: true, {recovery.Proved, recovery.Done}: true,
	}
	for _, w := range []recovery.Way{recovery.ResetPerson, recovery.ResetUnit, recovery.AppealPerson, recovery.AppealUnit, recovery.Track, recovery.Contest, recovery.AskContact} {
		for _, from := range steps {
			for _, to := range steps {
				want := allowed[[2]recovery.Step{from, to}]
				if w == recovery.AskContact {
					want = from == recovery.Begun && to == recovery.Done
				}
				if w.Leads(from, to) != want {
					t.Errorf("%s leads from %s to %s: %v", w, from, to, !want)
				}
			}
		}
	}
}

// Time ends what nobody decided; an approval waits for its hold.
func TestAppealsInTime(t *testing.T) {
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	a := recovery.Appeal{State: recovery.Approved, EffectiveAt: now.Add(time.Hour), ExpiresAt: now.Add(2 * time.Hour)}
	for _, c := range []struct {
		after time.Duration
		state recovery.State
		ready bool
	}{
		{0, recovery.Approved, false}, {time.Hour - 1, recovery.Approved, false}, {time.Hour, recovery.Approved, true},
		{2*time.Hour - 1, recovery.Approved, true}, {2 * time.Hour, recovery.Expired, false},
	} {
		if at := now.Add(c.after); a.At(at).State != c.state || a.Ready(at) != c.ready {
			t.Errorf("after %v: %s, ready %v", c.after, a.At(at).State, a.Ready(at))
		}
	}
	a.State = recovery.Redeemed
	if got := a.At(now.Add(time.Hour * 9999)).State; got != recovery.Redeemed {
		t.Errorf("what was done is %s later", got)
	}
}
