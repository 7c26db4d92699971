// Okta's SDK for Node.js against the emulator.
//
// Reads OKTA_URL and OKTA_TOKEN; prints one line per step; any deviation ends it.
'use strict';

const assert = require('node:assert/strict');
const { generateKeyPairSync } = require('node:crypto');
const okta = require('@okta/okta-sdk-nodejs');

const { OKTA_URL: orgUrl, OKTA_TOKEN: token, PLACEHOLDER_CERTIFICATE: certificate } = process.env;
const testing = { disableHttpsCheck: true };
const client = new okta.Client({ orgUrl, token, testing });
const done = (step) => console.log(`ok ${step}`);
const refused = async (call, code) =>
  assert.rejects(call, (error) => assert.equal(error.errorCode ?? error.message, code, error.message) || true);
const all = async (collection) => {
  const found = [];
  await collection.each((element) => { found.push(element); });
  return found;
};

async function users() {
  const created = [];
  for (let n = 0; n < 5; n += 1) {
    const login = `node${n}@sdk.test`;
    const profile = { login, email: login, firstName: 'Node', lastName: String(n) };
    const body = { profile, credentials: { password: { value: 'Secret-Passw0rd' } } };
    created.push(await client.userApi.createUser({ body, activate: true }));
  }
  const [user] = created;
  assert.equal(user.status, 'ACTIVE');
  const read = await client.userApi.getUser({ userId: 'node0@sdk.test', id: 'node0@sdk.test' });
  assert.equal(read.id, user.id);
  const update = { profile: { nickName: 'Node' } };
  const changed = await client.userApi.updateUser({ userId: user.id, id: user.id, user: update });
  assert.equal(changed.profile.nickName, 'Node');
  const found = await all(await client.userApi.listUsers({ search: 'profile.login sw "node"', limit: 2 }));
  assert.equal(new Set(found.map((u) => u.id)).size, 5);
  done('users: create, read, update, search with pages');
  return created;
}

async function groups(members) {
  const group = await client.groupApi.createGroup({ group: { profile: { name: 'node group' } } });
  await refused(client.groupApi.createGroup({ group: { profile: { name: 'node group' } } }), 'E0000001');
  for (const user of members) {
    await client.groupApi.assignUserToGroup({ groupId: group.id, userId: user.id });
  }
  const listed = await all(await client.groupApi.listGroupUsers({ groupId: group.id, limit: 2 }));
  assert.equal(listed.length, 5);
  await client.groupApi.unassignUserFromGroup({ groupId: group.id, userId: members[0].id });
  done('groups and members with pages');
  const assignRoleRequest = { type: 'USER_ADMIN' };
  await client.roleAssignmentApi.assignRoleToGroup({ groupId: group.id, assignRoleRequest });
  const [role] = await all(await client.roleAssignmentApi.listGroupAssignedRoles({ groupId: group.id }));
  const target = { groupId: group.id, roleId: role.id, targetGroupId: group.id };
  await client.roleTargetApi.assignGroupTargetToGroupAdminRole(target);
  const targets = await all(await client.roleTargetApi.listGroupTargetsForGroupRole(target));
  assert.deepEqual(targets.map((t) => t.id), [group.id]);
  await client.roleAssignmentApi.unassignRoleFromGroup({ groupId: group.id, roleId: role.id });
  done('roles of groups with targets');
  return group;
}

async function apps(group) {
  const application = {
    name: 'oidc_client', label: 'node app', signOnMode: 'OPENID_CONNECT',
    credentials: { oauthClient: { token_endpoint_auth_method: 'client_secret_basic' } },
    settings: { oauthClient: {
      application_type: 'web', grant_types: ['authorization_code'], response_types: ['code'],
      redirect_uris: ['https://sdk.test/callback'] } },
  };
  const app = await client.applicationApi.createApplication({ application });
  const assignment = { appId: app.id, groupId: group.id };
  assert.equal((await client.applicationApi.assignGroupToApplication(assignment)).id, group.id);
  const assigned = await all(await client.applicationApi.listApplicationGroupAssignments({ appId: app.id }));
  assert.equal(assigned.length, 1);
  const replaced = await client.applicationApi.replaceApplication({
    appId: app.id, application: { ...application, label: 'node app 2' } });
  assert.equal(replaced.label, 'node app 2');
  await refused(client.applicationApi.deleteApplication({ appId: app.id }), 'E0000056');
  await client.applicationApi.deactivateApplication({ appId: app.id });
  await client.applicationApi.deleteApplication({ appId: app.id });
  done('apps: create, update, group assignments, delete');
}

async function idps() {
  const keys = client.identityProviderApi;
  await refused(keys.createIdentityProviderKey({ jsonWebKey: { x5c: [certificate] } }), 'E0000096');
  const [key] = await all(await client.identityProviderApi.listIdentityProviderKeys({}));
  const identityProvider = {
    type: 'SAML2', name: 'node idp',
    protocol: {
      type: 'SAML2',
      endpoints: {
        sso: { url: 'https://idp.sdk.test/sso', binding: 'HTTP-POST', destination: 'https://idp.sdk.test/sso' },
        acs: { binding: 'HTTP-POST', type: 'INSTANCE' },
      },
      algorithms: {
        request: { signature: { algorithm: 'SHA-256', scope: 'REQUEST' } },
        response: { signature: { algorithm: 'SHA-256', scope: 'ANY' } },
      },
      credentials: { trust: { issuer: 'https://idp.sdk.test', kid: key.kid } },
    },
    policy: {
      provisioning: { action: 'AUTO', profileMaster: false, groups: { action: 'NONE' },
        conditions: { deprovisioned: { action: 'NONE' }, suspended: { action: 'NONE' } } },
      accountLink: { action: 'AUTO' },
      subject: { userNameTemplate: { template: 'idpuser.email' }, matchType: 'USERNAME' },
      maxClockSkew: 0,
    },
  };
  const idp = await client.identityProviderApi.createIdentityProvider({ identityProvider });
  const id = { idpId: idp.id };
  assert.equal((await client.identityProviderApi.deactivateIdentityProvider(id)).status, 'INACTIVE');
  done('identity providers and keys');
  const [policy] = await all(await client.policyApi.listPolicies({ type: 'IDP_DISCOVERY' }));
  const policyRule = {
    name: 'node rule', type: 'IDP_DISCOVERY',
    conditions: {
      network: { connection: 'ANYWHERE' },
      userIdentifier: { type: 'IDENTIFIER', patterns: [{ matchType: 'SUFFIX', value: 'node.test' }] },
    },
    actions: { idp: { providers: [{ type: 'SAML2', id: idp.id }] } },
  };
  const before = await all(await client.policyApi.listPolicyRules({ policyId: policy.id }));
  const rule = await client.policyApi.createPolicyRule({ policyId: policy.id, policyRule });
  assert.equal(rule.status, 'ACTIVE');
  const rules = await all(await client.policyApi.listPolicyRules({ policyId: policy.id }));
  assert.equal(rules.length, before.length + 1);
  await client.policyApi.deletePolicyRule({ policyId: policy.id, ruleId: rule.id });
  await client.identityProviderApi.deleteIdentityProvider(id);
  done('routing rules');
}

async function servers() {
  const api = client.authorizationServerApi;
  const authorizationServer = { name: 'node server', description: '', audiences: ['api://node'] };
  const server = await api.createAuthorizationServer({ authorizationServer });
  assert.ok((await all(await api.listAuthorizationServers({}))).some((s) => s.id === server.id));
  const inlineHook = {
    name: 'node hook', version: '1.0.0', type: 'com.okta.oauth2.tokens.transform',
    channel: { type: 'HTTP', version: '1.0.0', config: {
      uri: 'https://hook.sdk.test/', method: 'POST', headers: [],
      authScheme: { type: 'HEADER', key: 'Authorization', value: 'secret' } } },
  };
  const hook = await client.inlineHookApi.createInlineHook({ inlineHook });
  assert.equal((await client.inlineHookApi.getInlineHook({ inlineHookId: hook.id })).name, 'node hook');
  await client.inlineHookApi.deactivateInlineHook({ inlineHookId: hook.id });
  await client.inlineHookApi.deleteInlineHook({ inlineHookId: hook.id });
  await api.deactivateAuthorizationServer({ authServerId: server.id });
  await api.deleteAuthorizationServer({ authServerId: server.id });
  done('authorization servers and inline hooks');
}

async function serviceApp() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'node-key', use: 'sig', status: 'ACTIVE' };
  const application = {
    name: 'oidc_client', label: 'node service', signOnMode: 'OPENID_CONNECT',
    credentials: { oauthClient: { token_endpoint_auth_method: 'private_key_jwt', autoKeyRotation: true } },
    settings: { oauthClient: {
      application_type: 'service', grant_types: ['client_credentials'], response_types: ['token'],
      dpop_bound_access_tokens: false, jwks: { keys: [key] } } },
  };
  const app = await client.applicationApi.createApplication({ application });
  const scopes = ['okta.users.read'];
  await client.applicationApi.grantConsentToScope({
    appId: app.id, oAuth2ScopeConsentGrant: { issuer: orgUrl, scopeId: scopes[0] } });
  const role = { clientId: app.id, assignRoleRequest: { type: 'READ_ONLY_ADMIN' } };
  await client.roleAssignmentApi.assignRoleToClient(role);
  const own = new okta.Client({
    orgUrl, authorizationMode: 'PrivateKey', clientId: app.id, scopes, testing,
    privateKey: { ...privateKey.export({ format: 'jwk' }), kid: 'node-key' } });
  assert.ok((await all(await own.userApi.listUsers({ limit: 200 }))).length > 5);
  await client.applicationApi.deactivateApplication({ appId: app.id });
  await client.applicationApi.deleteApplication({ appId: app.id });
  done('client credentials with a private key');
}

async function limited() {
  const fault = { operationId: 'listPolicies', action: { rateLimit: true } };
  const headers = { 'content-type': 'application/json' };
  await fetch(`${orgUrl}/_emulator/faults`, { method: 'POST', headers, body: JSON.stringify(fault) });
  const started = Date.now();
  assert.equal((await all(await client.policyApi.listPolicies({ type: 'IDP_DISCOVERY' }))).length, 1);
  assert.ok(Date.now() - started >= 900, 'the SDK did not wait for the reset');
  done('a rate-limited call is repeated by the SDK itself');
}

(async () => {
  const members = await users();
  const group = await groups(members);
  await apps(group);
  await idps();
  await servers();
  await serviceApp();
  await limited();
  for (const { id } of members) {
    await client.userApi.deleteUser({ userId: id, id });
    await client.userApi.deleteUser({ userId: id, id });
  }
  await client.groupApi.deleteGroup({ groupId: group.id });
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
