// @okta/jwt-verifier and aws-jwt-verify on tokens of the emulator.
//
// Reads OKTA_URL; prints one line per step; any deviation ends it.
'use strict';

const assert = require('node:assert/strict');
const OktaJwtVerifier = require('@okta/jwt-verifier');
const { JwtVerifier } = require('aws-jwt-verify');

const { OKTA_URL: orgUrl } = process.env;
const clientId = '0oa1dacapp0000000001';
const issuer = `${orgUrl}/oauth2/aus1dac0000000000001`;
const audience = 'api://okta-dac';
const done = (step) => console.log(`ok ${step}`);

async function token(more) {
  const body = JSON.stringify({ login: 'admin@acme.test', ...more });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${orgUrl}/_emulator/token`, { method: 'POST', headers, body });
  return answer.json();
}

/** The token with one character of its payload changed. */
const damaged = (jwt) => {
  const [header, payload, signature] = jwt.split('.');
  const last = payload.at(-3) === 'A' ? 'B' : 'A';
  return `${header}.${payload.slice(0, -3)}${last}${payload.slice(-2)}.${signature}`;
};

async function okta() {
  const verifier = new OktaJwtVerifier({ issuer, clientId, testing: { disableHttpsCheck: true } });
  const { access_token: access, id_token: id } = await token({});
  const { claims } = await verifier.verifyAccessToken(access, audience);
  assert.match(claims.tenants[0], /^0oa\w+:acme:00g\w+$/);
  assert.deepEqual(claims.groups, ['ADMINS_acme']);
  assert.equal((await verifier.verifyIdToken(id, clientId)).claims.aud, clientId);
  await assert.rejects(verifier.verifyAccessToken(access, 'api://other'));
  await assert.rejects(verifier.verifyAccessToken(damaged(access), audience));
  await assert.rejects(verifier.verifyAccessToken((await token({ lifetimeSeconds: -60 })).access_token, audience));
  done('access and ID tokens are verified; wrong audience, damaged and expired ones refused');
}

async function aws() {
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/v1/keys` });
  // It fetches keys through TLS only: they are given to it, as Okta publishes them.
  verifier.cacheJwks(await (await fetch(`${issuer}/v1/keys`)).json());
  const { access_token: access } = await token({});
  assert.equal((await verifier.verify(access)).cid, clientId);
  await assert.rejects(verifier.verify(damaged(access)));
  await assert.rejects(verifier.verify((await token({ lifetimeSeconds: -60 })).access_token));
  done('the same by aws-jwt-verify');
}

const run = { okta, aws }[process.argv[2]];
run().catch((error) => {
  console.error(error);
  process.exit(1);
});
