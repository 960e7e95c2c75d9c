package templates

// Plot is counts as bars, messages glance.plot.<key>; the numbers stand beside the
// bars, so that nobody has to see them.
type Plot struct {
	Key   string
	URL   string // of the page that tells more, "" if the role has none
	Total int64
	Bars  []Bar
}

// Bar is one line of a plot: named by a message, a code, or both.
type Bar struct {
	Text  Text
	Code  string
	N     int64
	Width int    // 0 to 100
	Tone  string // "", ok, warn, bad
}
