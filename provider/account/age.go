package account

import "time"

// GuardianAge is the age in years below which personal data may be kept only
// with a guardian's consent (Personal Information Protection Law, article 31).
const GuardianAge = 14

// NeedsGuardian tells whether somebody born then is younger than GuardianAge in
// Beijing at now. Birthdays of 29 February are reached on 1 March.
func NeedsGuardian(born, now time.Time) bool {
	zone := time.FixedZone("CST", 8*3600)
	b, n := born.In(zone), now.In(zone)
	return n.Before(time.Date(b.Year()+GuardianAge, b.Month(), b.Day(), 0, 0, 0, 0, zone))
}
