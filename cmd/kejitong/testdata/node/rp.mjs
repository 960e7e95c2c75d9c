// A relying party made of openid-client, which knows an issuer and its own
// registration. It plays one sign-in: told what to do in one line of JSON on
// standard input, it says where the browser has to go, is told where the browser
// came back to, and says what it learnt. Whatever it finds wrong ends it.
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { createInterface } from 'node:readline'
import * as jose from 'jose'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const hear = async () => JSON.parse((await lines.next()).value)
const say = (value) => console.log(JSON.stringify(value))
const insist = (truth, why) => { if (!truth) throw new Error(why) }

const ask = await hear()
const key = ask.key && { key: await jose.importJWK(ask.key, ask.alg), kid: ask.key.kid }

// With a client certificate every request goes out over mutual TLS.
const certified = ask.certificate && ((url, { method, headers, body }) => new Promise((resolve, reject) => {
  const outgoing = https.request(url, {
    method, headers, cert: readFileSync(ask.certificate.cert), key: readFileSync(ask.certificate.key), ca: readFileSync(process.env.NODE_EXTRA_CA_CERTS),
  }, (incoming) => {
    const parts = []
    incoming.on('data', (part) => parts.push(part))
    incoming.on('end', () => {
      const empty = [204, 205, 304].includes(incoming.statusCode)
      resolve(new Response(empty ? null : Buffer.concat(parts), { status: incoming.statusCode, headers: Object.entries(incoming.headers).map(([k, v]) => [k, String(v)]) }))
    })
  })
  outgoing.on('error', reject)
  outgoing.end(body === undefined || body === null ? undefined : String(body))
}))

const methods = {
  client_secret_basic: () => client.ClientSecretBasic(ask.secret),
  client_secret_post: () => client.ClientSecretPost(ask.secret),
  client_secret_jwt: () => client.ClientSecretJwt(ask.secret),
  // FAPI: the audience is the issuer, as one text; openid-client does that.
  private_key_jwt: () => client.PrivateKeyJwt(key),
  tls_client_auth: () => client.TlsClientAuth(),
  none: () => client.None(),
}
const config = await client.discovery(new URL(ask.issuer), ask.client_id, { use_mtls_endpoint_aliases: Boolean(certified), ...ask.metadata }, methods[ask.auth](), {
  execute: [client.enableNonRepudiationChecks],
  ...(certified && { [client.customFetch]: certified }),
})
if (ask.encrypted) client.enableDecryptingResponses(config, [ask.encrypted.enc], { key: await jose.importJWK(ask.encrypted.key, ask.encrypted.alg), kid: ask.encrypted.key.kid })
if (ask.jarm) client.useJwtResponseMode(config)
if (ask.response_type === 'code id_token') client.useCodeIdTokenResponseType(config)
if (ask.response_type === 'id_token') client.useIdTokenResponseType(config)
const options = ask.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(ask.dpop)) } : {}

if (ask.grant) { // no browser: one request and what comes of it
  const tokens = ask.grant === 'client_credentials' ? await client.clientCredentialsGrant(config, ask.params, options) : await client.genericGrantRequest(config, ask.grant, ask.params, options)
  say({ tokens })
  process.exit(0)
}
if (ask.device) {
  const begun = await client.initiateDeviceAuthorization(config, ask.params)
  say({ url: begun.verification_uri_complete })
  await hear()
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, interval: 0.2 }, undefined, options)
  say({ claims: tokens.claims(), userinfo: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, options) })
  process.exit(0)
}

const state = client.randomState(), nonce = client.randomNonce(), verifier = client.randomPKCECodeVerifier()
let params = { redirect_uri: ask.redirect_uri, scope: ask.scope, state, nonce, ...ask.params }
if (ask.response_type !== 'id_token') Object.assign(params, { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })
let url
if (ask.jar) {
  url = await client.buildAuthorizationUrlWithJAR(config, params, key)
  insist(![...url.searchParams.keys()].includes('state'), 'state outside of the request object')
  params = url.searchParams
}
if (ask.par) url = await client.buildAuthorizationUrlWithPAR(config, params, options)
url ??= client.buildAuthorizationUrl(config, params)
say({ url: url.href })

const back = await hear()
const came = back.body ? new Request(back.url, { method: 'POST', body: new URLSearchParams(back.body) }) : new URL(back.url)
const learnt = {}
if (ask.response_type === 'id_token') {
  say({ claims: await client.implicitAuthentication(config, came, nonce, { expectedState: state }) })
  process.exit(0)
}
let tokens = await client.authorizationCodeGrant(config, came, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }, undefined, options)
learnt.token_type = tokens.token_type
learnt.claims = tokens.claims()
learnt.header = jose.decodeProtectedHeader(tokens.id_token)
learnt.userinfo = await client.fetchUserInfo(config, tokens.access_token, learnt.claims.sub, options)
if (tokens.refresh_token) {
  const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  insist(again.access_token !== tokens.access_token, 'the same access token after a refresh')
  insist(again.claims() === undefined || again.claims().sub === learnt.claims.sub, 'another subject after a refresh')
  learnt.rotated = again.refresh_token !== undefined && again.refresh_token !== tokens.refresh_token
  tokens = again
}
if (ask.auth !== 'none') learnt.introspection = await client.tokenIntrospection(config, tokens.access_token)
if (ask.api) { // a resource behind the token; userinfo is the one that every provider has
  const response = await client.fetchProtectedResource(config, tokens.access_token, new URL(certified ? config.serverMetadata().mtls_endpoint_aliases.userinfo_endpoint : config.serverMetadata().userinfo_endpoint), 'POST', undefined, undefined, options)
  insist(response.status === 200, `protected resource: ${response.status}`)
}
await client.tokenRevocation(config, tokens.access_token)
if (ask.auth !== 'none') learnt.after = await client.tokenIntrospection(config, tokens.access_token)
let refused = false
try {
  await client.fetchUserInfo(config, tokens.access_token, learnt.claims.sub, options)
} catch (error) {
  refused = error.status === 401 || error.cause?.status === 401 || error instanceof client.WWWAuthenticateChallengeError
}
insist(refused, 'userinfo answers for a revoked token')
say(learnt)
process.exit(0)
