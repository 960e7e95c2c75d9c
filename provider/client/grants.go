package client

import "slices"

// The grant types beyond those of RFC 6749.
const (
	GrantDevice    = "urn:ietf:params:oauth:grant-type:device_code"    // RFC 8628 §3.4
	GrantExchange  = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
	GrantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 §2.1
)

// checkFurtherGrants holds each of them to what its section of the protocol
// supposes of the client.
func (m *Metadata) checkFurtherGrants() error {
	has := func(grant string) bool { return slices.Contains(m.GrantTypes, grant) }
	public, keyless := m.TokenEndpointAuthMethod == AuthNone, len(m.JWKS) == 0 && m.JWKSURI == ""
	switch {
	// Nothing binds the browser that allows to the device that asks, which FAPI 2.0
	// Security Profile §5.3.2.2 wants of every flow.
	case has(GrantDevice) && m.FAPI():
		return invalid("grant_types", "the device grant is not for clients under a security profile")
	// What a stolen token is exchanged for must at least be somebody's.
	case has(GrantExchange) && public:
		return invalid("grant_types", "token exchange needs a client that can prove who it is")
	case has(GrantJWTBearer) && (public || keyless || !has(GrantRefresh)):
		return invalid("grant_types", "jwt-bearer needs refresh_token, keys of the client, and a client that can prove who it is")
	}
	return nil
}
