package config

import "time"

// Retention sets how long accounts and what belongs to them are kept.
type Retention struct {
	// Time in which signing in takes the closing of an account back; 1d to 15d, since
	// the law wants an answer within fifteen days.
	ClosingCooling time.Duration `key:"closing_cooling" default:"7d"`

	// How long a change of mobile waits that the old number did not confirm; at
	// least 1h.
	MobileHold time.Duration `key:"mobile_hold" default:"24h"`

	// Without a sign-in for so long an account's password is disabled; 90d to 730d.
	UnusedAfter time.Duration `key:"unused_after" default:"365d"`

	// How long before that its holder is told.
	UnusedNotice time.Duration `key:"unused_notice" default:"30d"`

	// Without a sign-in for so long an account's mobile number may be somebody
	// else's and is to be proved anew; 30d to 365d.
	NumberDoubt time.Duration `key:"number_doubt" default:"90d"`

	// How long the login name of a closed account is given to nobody; at least 180d.
	LoginNameBlocked time.Duration `key:"login_name_blocked" default:"365d"`

	// Who answers for the protection of personal information: what users read in
	// the privacy policy, such as a name and an address. Empty: the support desk.
	PrivacyContact string `key:"privacy_contact"`
}

const day = 24 * time.Hour

// checkRetention holds the times to their bounds.
func (c Config) checkRetention(p *Problems) {
	r := c.Retention
	between(p, "retention.closing_cooling", r.ClosingCooling, day, 15*day)
	between(p, "retention.mobile_hold", r.MobileHold, time.Hour, 7*day)
	between(p, "retention.unused_after", r.UnusedAfter, 90*day, 730*day)
	between(p, "retention.unused_notice", r.UnusedNotice, day, 60*day)
	between(p, "retention.number_doubt", r.NumberDoubt, 30*day, 365*day)
	between(p, "retention.login_name_blocked", r.LoginNameBlocked, 180*day, 3650*day)
}
