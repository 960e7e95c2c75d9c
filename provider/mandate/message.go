package mandate

// The message keys that this package puts into faults.
const (
	MsgWho      = "mandate.who"       // nothing, or too much, was typed
	MsgName     = "mandate.name"      // not a person's name
	MsgRelation = "mandate.relation"  // a role that the inviter cannot give
	MsgScope    = "mandate.scope"     // nothing named, or what the unit does not hold
	MsgTerm     = "mandate.term"      // not one of the terms
	MsgNote     = "mandate.note"      // too long
	MsgTooOften = "mandate.too_often" // too many invitations in a day
	MsgMay      = "mandate.may_not"   // who asks does not rule over the unit's handlers
	MsgChanged  = "mandate.changed"   // the unit no longer holds what it offered
	MsgOver     = "mandate.over"      // answered, withdrawn or lapsed meanwhile
	MsgOnHold   = "mandate.on_hold"   // the account was reset a short while ago
	MsgActor    = "mandate.actor"     // nobody who acts for the unit, or without a mobile
)

// Messages lists every message key of this package's faults, so that a test can
// hold the catalogues against it.
func Messages() []string {
	return []string{MsgWho, MsgName, MsgRelation, MsgScope, MsgTerm, MsgNote, MsgTooOften, MsgMay, MsgChanged, MsgOver, MsgOnHold, MsgActor}
}
