// A sign-in service by npm oidc-provider, over TLS: node oidc.mjs CERTIFICATE KEY
//
// The first line of its output is its issuer. Each line of its input is a JSON object: {"clients": [...]} says which sites there are,
// {"keys": "anew"} draws other keys. It answers each with a line, and ends with its input. Whoever comes to sign in is whom the query
// of the interaction says (?login=NAME), else {"login": "NAME"}, or is refused (?refuse).
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'

// The answers alone are on the output.
console.info = console.warn = console.error

const [certificate, key] = process.argv.slice(2)
let drawn = 0

function draw(kind, options, alg) {
  const { privateKey } = generateKeyPairSync(kind, options)
  return { ...privateKey.export({ format: 'jwk' }), kid: `${alg}-${drawn}`, use: 'sig', alg }
}

function keys() {
  drawn += 1
  return [
    draw('rsa', { modulusLength: 2048 }, 'RS256'),
    draw('ec', { namedCurve: 'P-256' }, 'ES256'),
    draw('ed25519', {}, 'EdDSA'),
  ]
}

const state = { clients: [], keys: keys() }
let provider
let serve

function build() {
  provider = new Provider(issuer, {
    clients: state.clients,
    jwks: { keys: state.keys },
    cookies: { keys: ['one', 'two'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@Example.org`, email_verified: !id.startsWith('new') }),
    }),
    // Nobody is asked for consent: the sites are the council's own.
    loadExistingGrant: async ctx => {
      const { client, session } = ctx.oidc
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
  })
  serve = provider.callback()
}

async function interact(request, response) {
  const query = new URL(request.url, issuer).searchParams
  await provider.interactionDetails(request, response)
  const result = query.has('refuse')
    ? { error: 'access_denied', error_description: 'the person is not of this council' }
    : { login: { accountId: query.get('login') ?? state.login } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  if (!request.url.startsWith('/interaction/')) return serve(request, response)
  interact(request, response).catch(error => response.writeHead(500).end(String(error)))
})
await new Promise(ready => server.listen(0, '127.0.0.1', ready))
const issuer = `https://127.0.0.1:${server.address().port}`
build()
console.log(issuer)

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line)
  if (told.clients) state.clients = told.clients
  if (told.keys) state.keys = keys()
  if (told.login) state.login = told.login
  build()
  console.log('done')
}
process.exit(0)
