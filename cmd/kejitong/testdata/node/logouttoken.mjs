// A back-channel receiver made of jose: verifies the logout token of its
// arguments (issuer, JWKS address, client, token) and prints its claims.
import * as jose from 'jose'

const [issuer, jwks, audience, token] = process.argv.slice(2)
const { payload } = await jose.jwtVerify(token, jose.createRemoteJWKSet(new URL(jwks)), {
  issuer, audience, typ: 'logout+jwt', requiredClaims: ['iat', 'exp', 'jti', 'events'], maxTokenAge: '2 min', algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
})
if ('nonce' in payload) throw new Error('a logout token with a nonce')
if (payload.sub === undefined && payload.sid === undefined) throw new Error('neither sub nor sid')
console.log(JSON.stringify(payload))
