package client

import (
	"encoding/base64"

	"kejitong/provider/keys"
)

// SID is the session id that a client sees, in ID tokens, logout tokens and
// front-channel calls: different for each client, so that the sid does not undo
// what pairwise subjects do.
func SID(s *keys.Snapshot, clientID, sessionID string) string {
	return base64.RawURLEncoding.EncodeToString(s.MAC(keys.Pairwise, "sid", clientID, sessionID)[:16])
}
