// @okta/okta-auth-js in headless Chromium: a page signs in with PKCE, renews its
// tokens silently, and calls the local API with them.
//
// Reads OKTA_URL and API_URL; prints one line per step; any deviation ends it.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { chromium } = require('playwright-core');

const { OKTA_URL: orgUrl, API_URL: apiUrl } = process.env;
// The origin that the demo org trusts and the local API allows.
const page = 'http://127.0.0.1:8080';
const issuer = `${orgUrl}/oauth2/aus1dac0000000000001`;
const library = readFileSync(
  join(__dirname, 'node_modules/@okta/okta-auth-js/dist/okta-auth-js.min.js'), 'utf8');
const html = (scopes) => `<!doctype html><title>page</title><script src="/okta-auth-js.js"></script><script>
  const auth = new OktaAuth({
    issuer: ${JSON.stringify(issuer)}, clientId: '0oa1dacapp0000000001', redirectUri: '${page}/',
    scopes: ${JSON.stringify(scopes)}, tokenManager: { storage: 'memory', autoRenew: false },
    services: { autoRenew: false }, devMode: true });
</script>`;
let wanted = [];
const server = createServer((request, response) => {
  const script = request.url.endsWith('.js');
  response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' });
  response.end(script ? library : html(wanted));
});
const done = (step) => console.log(`ok ${step}`);

async function signIn(browser, scopes) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  wanted = scopes;
  await tab.goto(`${page}/`);
  await tab.evaluate(() => { auth.signInWithRedirect(); });
  await tab.waitForSelector('input[name=username]');
  await tab.fill('input[name=username]', 'admin@acme.test');
  await tab.fill('input[name=password]', 'wrong');
  await tab.click('button[type=submit]');
  await tab.waitForSelector('[role=alert]');
  await tab.fill('input[name=username]', 'admin@acme.test');
  await tab.fill('input[name=password]', 'Demo-Passw0rd');
  await Promise.all([tab.waitForURL(`${page}/?code=*`), tab.click('button[type=submit]')]);
  const tokens = await tab.evaluate(async () => {
    const { tokens: parsed } = await auth.token.parseFromUrl();
    auth.tokenManager.setTokens(parsed);
    return parsed;
  });
  return { context, tab, tokens };
}

async function main(browser) {
  const { context, tab, tokens } = await signIn(browser, ['openid', 'profile', 'dac.admin']);
  assert.equal(tokens.idToken.claims.preferred_username, 'admin@acme.test');
  const tenants = (token) => tab.evaluate((jwt) => auth.token.decode(jwt).payload.tenants, token.accessToken);
  assert.match((await tenants(tokens.accessToken))[0], /:acme:/);
  done('sign-in with PKCE; ID token and access token with the claim `tenants`');

  const call = (path) => tab.evaluate(async (url) => {
    const headers = { authorization: `Bearer ${auth.getAccessToken()}` };
    const answer = await fetch(url, { headers });
    return { status: answer.status, body: await answer.json() };
  }, `${apiUrl}${path}`);
  const own = await call('/tenants/acme');
  assert.deepEqual([own.status, own.body.name], [200, 'acme']);
  assert.equal((await call('/tenants/globex')).status, 403);
  done('the local API answers 200 for the own tenant and 403 for another');

  const renewed = await tab.evaluate(async () => (await auth.token.getWithoutPrompt()).tokens);
  assert.notEqual(renewed.accessToken.accessToken, tokens.accessToken.accessToken);
  assert.match((await tenants(renewed.accessToken))[0], /:acme:/);
  done('silent renewal with `prompt=none` in a frame');
  assert.equal(await tab.evaluate(() => auth.session.exists()), true);
  const user = await tab.evaluate(() => auth.getUser());
  assert.equal(user.preferred_username, 'admin@acme.test');
  done('session and userinfo across origins');
  await tab.evaluate(() => auth.revokeAccessToken());
  await context.close();

  const offline = await signIn(browser, ['openid', 'offline_access', 'dac.admin']);
  assert.ok(offline.tokens.refreshToken.refreshToken);
  const again = await offline.tab.evaluate(() => auth.token.renewTokens());
  assert.notEqual(again.accessToken.accessToken, offline.tokens.accessToken.accessToken);
  assert.notEqual(again.refreshToken.refreshToken, offline.tokens.refreshToken.refreshToken);
  // A refresh token that was used is worth nothing.
  const reused = await offline.tab.evaluate(async ({ url, token }) => {
    const body = new URLSearchParams({
      grant_type: 'refresh_token', refresh_token: token, client_id: '0oa1dacapp0000000001', scope: 'openid' });
    return (await fetch(url, { method: 'POST', body })).status;
  }, { url: `${issuer}/v1/token`, token: offline.tokens.refreshToken.refreshToken });
  assert.equal(reused, 400);
  done('renewal with a refresh token, which changes');
  await offline.context.close();
}

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'] });
  try {
    await once(server.listen(8080, '127.0.0.1'), 'listening');
    await main(browser);
  } finally {
    await browser.close();
    server.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
