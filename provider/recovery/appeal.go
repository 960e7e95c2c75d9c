package recovery

import (
	"time"

	"kejitong/provider/account"
)

// Kind is what an appeal is about.
type Kind string

// The kinds of appeal.
const (
	Person Kind = "person" // 自然人申诉找回密码
	Unit   Kind = "unit"   // 单位法人用户申诉找回密码

	PersonName Kind = "person_name" // 登录名申诉 of a person, for a mobile number
	UnitName   Kind = "unit_name"   // 登录名申诉 of a unit, for its code

	PersonFactor Kind = "person_factor" // 二次验证申诉 of a person who can show no second factor any more
	UnitFactor   Kind = "unit_factor"   // the same of a unit
)

// Aim is what an appeal gives.
type Aim string

// The aims.
const (
	ForPassword Aim = ""
	ForName     Aim = "name"
	ForFactor   Aim = "factor" // sign-in asks for a second factor no more
)

// Aim says what an appeal of that kind gives.
func (k Kind) Aim() Aim {
	switch k {
	case PersonName, UnitName:
		return ForName
	case PersonFactor, UnitFactor:
		return ForFactor
	}
	return ForPassword
}

// State is where an appeal stands.
type State string

// The states. The last four are final.
const (
	Filed     State = "filed"     // waits for a reviewer
	Contested State = "contested" // the holder of the account objected; waits for a reviewer
	Seconding State = "seconding" // one reviewer approved, waits for another
	Approved  State = "approved"  // two reviewers approved; opens the way from EffectiveAt on
	Rejected  State = "rejected"
	Withdrawn State = "withdrawn" // by the one who filed it
	Expired   State = "expired"   // nobody decided, or nobody used the approval, in time
	Redeemed  State = "redeemed"  // a new password was set, the login name given back or the second factors removed
)

// States lists the states in the order of a case's life.
func States() []State {
	return []State{Filed, Contested, Seconding, Approved, Rejected, Withdrawn, Expired, Redeemed}
}

// Open tells whether something may still happen to an appeal.
func (s State) Open() bool { return s == Filed || s == Contested || s == Seconding || s == Approved }

// Deed is what somebody does about an appeal.
type Deed string

// The deeds.
const (
	File     Deed = "file"
	Approve  Deed = "approve"
	Reject   Deed = "reject"
	Object   Deed = "object" // by the holder of the account
	Withdraw Deed = "withdraw"
	Redeem   Deed = "redeem"
	Lapse    Deed = "lapse"   // time passed
	Concern  Deed = "concern" // a reviewer names the account
)

// Next is the whole life of an appeal: the state after a deed, false where the
// deed is not to be done in that state. Two approvals lead from filed to approved,
// and an objection takes back the ones that there are.
func Next(s State, d Deed) (State, bool) {
	if !s.Open() {
		return s, false
	}
	switch d {
	case Approve:
		switch s {
		case Filed, Contested:
			return Seconding, true
		case Seconding:
			return Approved, true
		}
	case Reject:
		return Rejected, true
	case Object:
		if s != Contested {
			return Contested, true
		}
	case Withdraw:
		return Withdrawn, true
	case Redeem:
		if s == Approved {
			return Redeemed, true
		}
	case Lapse:
		return Expired, true
	case Concern:
		if s == Filed || s == Contested {
			return s, true
		}
	}
	return s, false
}

// Claim is what the one who appeals says. All of it is personal data.
type Claim struct {
	LoginName string `json:"l,omitempty"` // if remembered
	Name      string `json:"n,omitempty"` // of the person who appeals: the person, or the unit's applicant
	IDType    string `json:"it,omitempty"`
	IDNumber  string `json:"in,omitempty"`
	Mobile    string `json:"m,omitempty"` // E.164, proved by a code; the account's own from then on
	Reason    string `json:"r,omitempty"`

	// Of units.
	UnitName string          `json:"un,omitempty"`
	USCC     account.USCC    `json:"us,omitempty"`
	LegalRep *account.Person `json:"lr,omitempty"`
	IsRep    bool            `json:"ir,omitempty"` // the applicant is the legal representative

	// Of appeals for login names. LoginName is then the one that the applicant has.
	Wanted string     `json:"w,omitempty"` // key of the login name that is asked for
	Own    account.ID `json:"o,omitempty"` // the applicant's account, which gets it; empty: it becomes free
}

// Turn is one thing that happened to an appeal.
type Turn struct {
	At     time.Time `json:"t"`
	Deed   Deed      `json:"d"`
	By     string    `json:"b,omitempty"` // the reviewer's id; empty for the parties
	Reason string    `json:"r,omitempty"`
}

// Appeal is a case.
type Appeal struct {
	ID      string
	Number  string // 受理编号, told over the telephone; opens nothing without the secret
	Kind    Kind
	State   State
	Account account.ID // whom it concerns, as far as the data says: for a login name who has it; empty if nobody was found
	Secret  string     // keyed digest
	Claim   Claim
	History []Turn

	Assignee string // reviewer who works on it
	First    string // reviewer who approved first since the last objection
	Second   string
	Objected bool // at any time; the holder objects once

	CreatedAt   time.Time
	UpdatedAt   time.Time
	DueAt       time.Time // what was promised to the one who filed it
	ExpiresAt   time.Time // when it lapses in its present state
	EffectiveAt time.Time // from when on an approval opens the way; zero unless approved
	Version     int64
}

// At is the appeal as it stands at now: one whose time is over has lapsed.
func (a Appeal) At(now time.Time) Appeal {
	if a.State.Open() && !now.Before(a.ExpiresAt) {
		a.State = Expired
	}
	return a
}

// Ready tells whether a new password may be set by now.
func (a Appeal) Ready(now time.Time) bool {
	return a.At(now).State == Approved && !now.Before(a.EffectiveAt)
}

// Overdue tells whether what was promised has passed and nobody decided.
func (a Appeal) Overdue(now time.Time) bool {
	return a.State.Open() && a.State != Approved && now.After(a.DueAt)
}

// Last gives the reason of the last deed of that kind, empty if there was none.
func (a Appeal) Last(d Deed) Turn {
	for i := len(a.History) - 1; i >= 0; i-- {
		if a.History[i].Deed == d {
			return a.History[i]
		}
	}
	return Turn{}
}
