package web

// Denied says why an access token did not open an endpoint (RFC 6750 §3, RFC
// 9449 §7.1). Whoever checks tokens returns it; whoever was asked answers with
// it in the form of its own interface.
type Denied struct {
	Status    int
	Code      string // of the registry of OAuth errors; empty where there was no token at all
	Reason    string
	Challenge []string // values of WWW-Authenticate
}

// Error is code and reason.
func (d *Denied) Error() string { return d.Code + ": " + d.Reason }
