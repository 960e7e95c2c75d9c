// node server.mjs, with openid-client 6. In Next.js the two routes are route
// handlers of the same content.
import { createServer } from 'node:http'
import * as client from 'openid-client'

const redirect = new URL('{{.Redirect}}')
const config = await client.discovery(new URL('{{.Issuer}}'), '{{.ClientID}}', undefined,
  {{if .Public}}client.None(){{else}}client.ClientSecretBasic(process.env.FUWU_CLIENT_SECRET){{end}})
const pending = new Map() // in earnest: the user's session

createServer(async (req, res) => {
  const url = new URL(req.url, redirect)
  try {
    if (url.pathname !== redirect.pathname) {
      const state = client.randomState(), nonce = client.randomNonce(), verifier = client.randomPKCECodeVerifier()
      pending.set(state, { nonce, verifier })
      const to = client.buildAuthorizationUrl(config, {
        redirect_uri: redirect.href, scope: '{{.Scope}}', state, nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      })
      res.writeHead(302, { location: to.href }).end()
      return
    }
    const state = url.searchParams.get('state'), { nonce, verifier } = pending.get(state) ?? {}
    pending.delete(state)
    const tokens = await client.authorizationCodeGrant(config, url, { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier })
    const { sub } = tokens.claims()
    const user = await client.fetchUserInfo(config, tokens.access_token, sub)
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(user))
  } catch (error) {
    res.writeHead(500).end(String(error))
  }
}).listen(Number(redirect.port) || 3000)
