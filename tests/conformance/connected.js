// Okta's SDK for Node.js with the credential that `okta-dac connect` stored.
//
// Reads OKTA_URL and CREDENTIAL_FILE; prints one line per step; any deviation ends it.
'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const okta = require('@okta/okta-sdk-nodejs');

const stored = JSON.parse(readFileSync(process.env.CREDENTIAL_FILE, 'utf8'));
const client = new okta.Client({
  orgUrl: process.env.OKTA_URL,
  authorizationMode: 'PrivateKey',
  clientId: stored.clientId,
  scopes: stored.scopes,
  privateKey: stored.privateKey,
  keyId: stored.keyId,
  testing: { disableHttpsCheck: true },
});

(async () => {
  assert.equal(stored.dpop, true, 'tokens are bound to a key');
  const found = [];
  const users = await client.userApi.listUsers({ limit: 2 });
  await users.each((user) => { found.push(user.id); return found.length < 2; });
  assert.equal(found.length, 2);
  console.log('ok the stored credential, with DPoP: users');
  await assert.rejects(client.groupApi.deleteGroup({ groupId: '00g0000000000000dac0' }), (error) => error.status === 403);
  console.log('ok the stored credential: what its role does not allow is refused');
})().catch((error) => { console.error(error); process.exit(1); });
