// How many tokens a second @okta/jwt-verifier and aws-jwt-verify verify.
//
// Reads OKTA_URL and TOKEN; prints one JSON object. The keys are fetched before.
'use strict';

const OktaJwtVerifier = require('@okta/jwt-verifier');
const { JwtVerifier } = require('aws-jwt-verify');

const { OKTA_URL: orgUrl, TOKEN: token } = process.env;
const issuer = `${orgUrl}/oauth2/aus1dac0000000000001`;
const audience = 'api://okta-dac';
const SECONDS = 2;

async function perSecond(verify) {
  for (let n = 0; n < 200; n += 1) await verify();
  const started = process.hrtime.bigint();
  const end = started + BigInt(SECONDS * 1e9);
  let count = 0;
  while (process.hrtime.bigint() < end) {
    for (let n = 0; n < 50; n += 1) await verify();
    count += 50;
  }
  return count / (Number(process.hrtime.bigint() - started) / 1e9);
}

(async () => {
  const aws = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/v1/keys` });
  aws.cacheJwks(await (await fetch(`${issuer}/v1/keys`)).json());
  const okta = new OktaJwtVerifier({ issuer, testing: { disableHttpsCheck: true } });
  console.log(JSON.stringify({
    'aws-jwt-verify': await perSecond(() => aws.verifySync(token)),
    '@okta/jwt-verifier': await perSecond(() => okta.verifyAccessToken(token, audience)),
  }));
})();
