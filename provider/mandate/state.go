package mandate

// State is where an invitation stands.
type State string

// The states. All but Offered and Active are the end.
const (
	None      State = ""
	Offered   State = "offered"
	Active    State = "active"
	Declined  State = "declined"
	Withdrawn State = "withdrawn"
	Lapsed    State = "lapsed" // nobody answered
	Ended     State = "ended"
	Expired   State = "expired" // its term ran out
)

// Event is what happens to an invitation.
type Event string

// The events. Replace is a later invitation of the same unit that the same person
// confirmed.
const (
	Invite   Event = "invite"
	Confirm  Event = "confirm"
	Decline  Event = "decline"
	Withdraw Event = "withdraw"
	Lapse    Event = "lapse"
	End      Event = "end"
	Replace  Event = "replace"
	Expire   Event = "expire"
)

// Next is the whole life of an invitation: the state after an event, false where
// the event cannot happen.
func Next(s State, e Event) (State, bool) {
	switch s {
	case None:
		if e == Invite {
			return Offered, true
		}
	case Offered:
		switch e {
		case Confirm:
			return Active, true
		case Decline:
			return Declined, true
		case Withdraw, Replace:
			return Withdrawn, true
		case Lapse:
			return Lapsed, true
		}
	case Active:
		switch e {
		case End, Replace:
			return Ended, true
		case Expire:
			return Expired, true
		}
	}
	return s, false
}

// Open tells whether anything can still happen to it.
func (s State) Open() bool { return s == Offered || s == Active }
