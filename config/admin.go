package config

import "net/netip"

// Admin says how the review desk at /admin can be reached. Operators are made by
// "kejitong admin add"; none exists before.
type Admin struct {
	// Networks (CIDR) from which the desk answers; to all others its addresses do
	// not exist. In the environment separated by commas. Empty: from everywhere.
	Networks []netip.Prefix `key:"networks"`

	// Fields of personal data that one operator may see in full within an hour.
	RevealsPerHour int `key:"reveals_per_hour" default:"30"`

	// Searches for accounts that one operator may make within an hour.
	SearchesPerHour int `key:"searches_per_hour" default:"300"`
}

func (c Config) checkAdmin(p *Problems) {
	within(p, "admin.reveals_per_hour", c.Admin.RevealsPerHour, 1, 1000)
	within(p, "admin.searches_per_hour", c.Admin.SearchesPerHour, 1, 10000)
}
