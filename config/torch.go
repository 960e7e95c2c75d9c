package config

// Torch concerns the accounts of the former platform.
type Torch struct {
	// What the headings of its files mean, each HEADING=NAME; NAME is one of kind,
	// user_name, unit_name, contact, mobile, id_number, email, password_hash,
	// password_scheme, password_salt, password_cost, created_at, last_seen_at. The
	// usual Chinese headings are known without it. In the environment separated by
	// commas.
	Columns []string `key:"columns"`
}
