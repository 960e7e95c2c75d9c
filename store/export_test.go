package store

// ResealQueries gives, by sealed column, the texts that look for its values.
func ResealQueries() map[string][2]string {
	out := map[string][2]string{}
	for _, c := range sealedColumns() {
		out[c.name] = [2]string{c.page, c.rows}
	}
	return out
}
