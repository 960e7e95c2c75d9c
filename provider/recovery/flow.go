package recovery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// Way is what a flow leads to. A flow of one way is worth nothing on another.
type Way string

// The ways.
const (
	ResetPerson  Way = "reset_person"
	ResetUnit    Way = "reset_unit"
	AskContact   Way = "contact" // 获取相关联系人信息
	AppealPerson Way = "appeal_person"
	AppealUnit   Way = "appeal_unit"
	Track        Way = "track"  // progress of an appeal, and the password that it yields
	Contest      Way = "object" // an objection by the holder of the mobile on file
	NamePerson   Way = "name_person"
	NameUnit     Way = "name_unit"
	FactorPerson Way = "factor_person"
	FactorUnit   Way = "factor_unit"
)

// Step is how far a flow came.
type Step string

// The steps.
const (
	Begun  Step = "begun"
	Sent   Step = "sent"   // a code was promised
	Proved Step = "proved" // the code was right
	Done   Step = "done"   // used up
)

// Leads tells whether a flow may go from one step to another.
func (w Way) Leads(from, to Step) bool {
	if w == AskContact {
		return from == Begun && to == Done
	}
	switch from {
	case Begun:
		return to == Sent
	case Sent:
		return to == Sent || to == Proved
	case Proved:
		return to == Proved || to == Done
	}
	return false
}

// Flow is one browser's way through one recovery.
type Flow struct {
	Key     string // keyed digest of the id that the browser has
	Browser string // keyed digest of the browser's own id
	Way     Way
	Step    Step
	Account account.ID // whom it is about; empty if nobody has that name
	Seen    int64      // version of the account when the code was promised, which it must still have
	Appeal  string     // id of the appeal, for Track and Contest and after an appeal was filed
	Data    Data
	Sends   int // codes promised
	Tries   int // answers given to what is owed beside the code

	CreatedAt time.Time
	ExpiresAt time.Time
	Version   int64
}

// Data is what was typed so far. It is personal data and sealed as one value.
type Data struct {
	LoginName string `json:"l,omitempty"`
	Mobile    string `json:"m,omitempty"` // E.164; where the code goes, or seems to
	UnitName  string `json:"un,omitempty"`
	USCC      string `json:"us,omitempty"`
	Matched   bool   `json:"ok,omitempty"` // what was typed is what is on file, so the code was really promised
	Claim     *Claim `json:"c,omitempty"`
}

// Asker is the browser that asks.
type Asker struct {
	Browser string // its id
	IP      string
	Locale  string
}

// maxSends bounds the codes of one flow, beside the caps per number.
const maxSends = 5

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// start makes a flow and gives the id that the browser keeps.
func (s *Service) start(ctx context.Context, by Asker, f Flow, life time.Duration) (string, error) {
	id := random(32)
	f.Key, f.Browser = s.mac("flow", id), s.mac("browser", by.Browser)
	f.Step, f.CreatedAt, f.Version = Begun, s.Now(), 1
	f.ExpiresAt = f.CreatedAt.Add(life)
	return id, s.Store.PutFlow(ctx, f)
}

// flow gives the browser's flow of one of the ways if it has not come past its
// end. Everything else is over alike: unknown, forged, another browser's, another
// way's, expired.
func (s *Service) flow(ctx context.Context, by Asker, id string, ways ...Way) (Flow, error) {
	f, err := s.Store.Flow(ctx, s.mac("flow", id))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Flow{}, err
	}
	if err != nil || !hmac.Equal([]byte(f.Browser), []byte(s.mac("browser", by.Browser))) || !s.Now().Before(f.ExpiresAt) || !oneOf(f.Way, ways) {
		return Flow{}, over()
	}
	return f, nil
}

// advance moves the flow on, once: of several that try from the same version one
// succeeds, for the others it is over or they start from where it is now.
func (s *Service) advance(ctx context.Context, f *Flow, to Step) error {
	if !f.Way.Leads(f.Step, to) {
		return over()
	}
	f.Step = to
	if err := s.Store.SaveFlow(ctx, *f); err != nil {
		if fault.Is(err, fault.Conflict) {
			return over()
		}
		return err
	}
	f.Version++
	return nil
}

func over() error { return fault.New(fault.Gone, MsgOver) }

func oneOf(w Way, ways []Way) bool {
	for _, x := range ways {
		if x == w {
			return true
		}
	}
	return false
}
