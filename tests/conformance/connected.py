"""Okta's SDK for Python with the credential that `okta-dac connect` stored.

Reads OKTA_URL and CREDENTIAL_FILE; prints one line per step; any deviation ends it.
"""

import asyncio
import json
import os

from okta.client import Client

# The only way to let this SDK speak to a loopback address without TLS.
os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"


async def main():
    with open(os.environ["CREDENTIAL_FILE"], encoding="utf-8") as file:
        stored = json.load(file)
    assert stored["dpop"] is True, "tokens are bound to a key"
    client = Client({
        "orgUrl": os.environ["OKTA_URL"], "authorizationMode": "PrivateKey", "clientId": stored["clientId"],
        "scopes": stored["scopes"], "privateKey": stored["privateKey"], "kid": stored["keyId"],
        "dpopEnabled": True,
    })
    users, *_, error = await client.list_users(limit=2)
    assert error is None, error
    assert len(users) == 2, users
    print("ok the stored credential, with DPoP: users", flush=True)
    *_, error = await client.delete_group("00g0000000000000dac0")
    assert error is not None and "403" in str(error) or "E0000006" in str(error), error
    print("ok the stored credential: what its role does not allow is refused", flush=True)


asyncio.run(main())
