package authflow

// Step is what is owed next.
type Step string

// The steps. Issue ends the interaction well, Refuse ends it unless the user
// comes back as somebody else.
const (
	SignIn        Step = "sign_in"
	SelectAccount Step = "select_account"
	Factor        Step = "factor"
	ChooseUnit    Step = "choose_unit"
	Confirm       Step = "confirm"
	Act           Step = "act" // who acts in a unit's own session
	Consent       Step = "consent"
	Refuse        Step = "refuse"
	Issue         Step = "issue"
)

// Reason says why a request is refused, or why a sign-in is asked for.
type Reason string

// The reasons of Refuse.
const (
	NotVerified      Reason = "not_verified"       // R40: real name first
	LevelTooLow      Reason = "level_too_low"      // verified, but not strongly enough for this system
	WrongAccountType Reason = "wrong_account_type" // e.g. a person where only units may enter
	NotEntitled      Reason = "not_entitled"       // no active grant for the system
	ACRUnmet         Reason = "acr_unmet"          // an essential acr is out of reach
	UnitUnknown      Reason = "unit_unknown"       // org_hint names a unit the user may not act for
	SandboxOnly      Reason = "sandbox_only"       // the client is a sandbox, the account is not one of its test accounts
	TestAccount      Reason = "test_account"       // a test account where real ones sign in
)

// KeyNeeded is the reason of Factor where a passkey alone reaches the class.
const KeyNeeded Reason = "key_needed"

// Facts is all that Decide knows. Every field is a plain fact, read once.
type Facts struct {
	SignedIn       bool // a live session of an active account
	TooOld         bool // signed in longer ago than max_age allows, not refreshed in this interaction
	PromptLogin    bool
	PromptSelect   bool
	PromptConsent  bool
	HintMismatch   bool // id_token_hint names somebody else
	FreshHere      bool // the user signed in inside this interaction
	SelectedHere   bool
	ConsentedHere  bool
	SandboxOnly    bool // a sandbox, and the account is none of its test accounts
	TestAccount    bool // a test account, and the client is in earnest
	Gated          bool // the client has business systems or required levels
	KindAllowed    bool
	Verified       bool
	LevelReached   bool
	ACRReached     bool // true unless an essential acr or the client's required acr is unmet
	ACRWithin      bool // a second factor that the account has would reach it
	ACRByKey       bool // but only a passkey
	UnitNeeded     bool // several units, none chosen or hinted
	UnitRefused    bool // the unit hinted or chosen is not one of the user's
	Entitled       bool
	Unconfirmed    bool // the unit's data, as they are, were not confirmed for this system yet
	ActorNeeded    bool // the unit wants to know who acts with its account, and nobody said so
	ConsentNeeded  bool // not first-party and not given before
	ConsentCovered bool // a standing consent covers what is asked
}

// Verdict is Decide's answer.
type Verdict struct {
	Step   Step
	Reason Reason
}

// Decide says what is owed next. The order is the order in which a person
// would ask: who are you, which of your accounts, may such an account enter at
// all, for which unit, is it entitled, who acts for the unit, are its data right,
// what may the system see.
func Decide(f Facts) Verdict {
	switch {
	case !f.SignedIn,
		f.PromptLogin && !f.FreshHere,
		f.TooOld && !f.FreshHere,
		f.HintMismatch: // OpenID Connect Core §3.1.2.1: never a positive answer about somebody else, however fresh
		return Verdict{Step: SignIn}
	case f.TestAccount:
		return Verdict{Step: Refuse, Reason: TestAccount}
	case f.SandboxOnly:
		return Verdict{Step: Refuse, Reason: SandboxOnly}
	case f.PromptSelect && !f.SelectedHere && !f.FreshHere:
		return Verdict{Step: SelectAccount}
	case !f.ACRReached && f.ACRWithin && f.ACRByKey:
		return Verdict{Step: Factor, Reason: KeyNeeded}
	case !f.ACRReached && f.ACRWithin:
		return Verdict{Step: Factor}
	case !f.ACRReached:
		return Verdict{Step: Refuse, Reason: ACRUnmet}
	case f.Gated && !f.KindAllowed:
		return Verdict{Step: Refuse, Reason: WrongAccountType}
	case f.Gated && !f.Verified:
		return Verdict{Step: Refuse, Reason: NotVerified}
	case f.Gated && !f.LevelReached:
		return Verdict{Step: Refuse, Reason: LevelTooLow}
	case f.UnitRefused:
		return Verdict{Step: Refuse, Reason: UnitUnknown}
	case f.UnitNeeded:
		return Verdict{Step: ChooseUnit}
	case f.Gated && !f.Entitled:
		return Verdict{Step: Refuse, Reason: NotEntitled}
	case f.Gated && f.ActorNeeded:
		return Verdict{Step: Act}
	case f.Gated && f.Unconfirmed:
		return Verdict{Step: Confirm}
	case f.PromptConsent && !f.ConsentedHere,
		f.ConsentNeeded && !f.ConsentCovered && !f.ConsentedHere:
		return Verdict{Step: Consent}
	}
	return Verdict{Step: Issue}
}

// SilentError is the error code for a step that prompt=none forbids (OpenID
// Connect Core §3.1.2.6; unmet_authentication_requirements per OpenID Connect
// Core Unmet Authentication Requirements 1.0).
func (v Verdict) SilentError() string {
	switch v.Step {
	case SignIn:
		return "login_required"
	case SelectAccount:
		return "account_selection_required"
	case ChooseUnit, Factor, Confirm, Act:
		return "interaction_required"
	case Consent:
		return "consent_required"
	case Refuse:
		switch v.Reason {
		case ACRUnmet:
			return "unmet_authentication_requirements"
		case NotVerified, LevelTooLow:
			return "interaction_required"
		}
		return "access_denied"
	}
	return ""
}
