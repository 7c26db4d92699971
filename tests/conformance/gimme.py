"""gimme-aws-creds against the emulators: sign-in, SAML page, roles, credentials of STS.

Reads OKTA_URL, AWS_URL and SAML_RESPONSE_FILE, where it leaves the assertion; the argument
is `classic` or `identity-engine`.
"""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import os
import struct
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

URL, AWS, ENGINE = os.environ["OKTA_URL"], os.environ["AWS_URL"], sys.argv[1]
APP = f"{URL}/home/amazon_aws/0oa1awsaccount000001/aln1awsaccount000001"
# The Classic Engine asks this user for a second factor; a browser is not asked for one.
LOGIN = "user@acme.test" if ENGINE == "classic" else "user@globex.test"
PASSWORD, SEED = "Demo-Passw0rd", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code():
    """The code of this moment (RFC 6238)."""
    tag = hmac.new(base64.b32decode(SEED), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = tag[19] & 15
    return f"{(struct.unpack('>I', tag[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def settings(**changes):
    body, headers = json.dumps(changes).encode(), {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{URL}/_emulator/settings", body, headers, method="PUT")).read()


def approve(url, *_):
    """What the user does in the browser: signs in and allows the device."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    code = urllib.parse.parse_qs(urllib.parse.urlparse(url).query)["user_code"][0]
    post = lambda path, form: browser.open(URL + path, urllib.parse.urlencode(form).encode()).read().decode()
    post("/login/sign-in", {"username": LOGIN, "password": PASSWORD, "fromURI": f"/activate?user_code={code}"})
    assert "Device activated" in post("/activate", {"user_code": code, "action": "allow"})


def main():
    settings(classicEngine=ENGINE == "classic")
    folder = tempfile.mkdtemp()
    config = os.path.join(folder, "config")
    client = "0oa1awscli0000000001" if ENGINE == "identity-engine" else ""
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            f"[DEFAULT]\nokta_org_url = {URL}\nokta_auth_server =\nclient_id = {client}\ngimme_creds_server = appurl\n"
            f"app_url = {APP}\naws_rolename = all\nwrite_aws_creds = False\ncred_profile = role\nopen_browser = True\nforce_classic = False\n"
            f"okta_username = {LOGIN}\nresolve_aws_alias = True\npreferred_mfa_type = token:software:totp\naws_default_duration = 3600\n"
            "output_format = json\n")
    os.environ.update(OKTA_CONFIG=config, OKTA_USERNAME=LOGIN, OKTA_PASSWORD=PASSWORD, HOME=folder)
    sys.argv = ["gimme-aws-creds", "--profile", "DEFAULT", "--disable-keychain", "--open-browser"]
    if ENGINE == "classic":
        sys.argv += ["--mfa-code", code()]
    import webbrowser

    # In another thread, as a browser would: the client polls meanwhile.
    webbrowser.open = lambda url, *_: threading.Thread(target=approve, args=(url,)).start() or True
    # AWS's hosts are on this machine.
    os.environ.update(AWS_ENDPOINT_URL_STS=AWS, AWS_DEFAULT_REGION="us-east-1")
    from gimme_aws_creds.aws import AwsResolver
    from gimme_aws_creds.main import GimmeAWSCreds

    page = AwsResolver.get_signinpage
    AwsResolver.get_signinpage = lambda self, token, _: page(self, token, f"{AWS}/saml")

    creds = GimmeAWSCreds()
    roles = creds.aws_selected_roles
    assert sorted(role.role for role in roles) == [
        "arn:aws-cn:iam::333333333333:role/Reader", "arn:aws-us-gov:iam::444444444444:role/Reader",
        "arn:aws:iam::123456789012:role/Auditor", "arn:aws:iam::123456789012:role/Operator",
        "arn:aws:iam::123456789012:role/Reader", "arn:aws:iam::210987654321:role/Auditor"], roles
    assert creds.saml_data["TargetUrl"] == "https://signin.aws.amazon.com/saml", creds.saml_data
    with open(os.environ["SAML_RESPONSE_FILE"], "w", encoding="utf-8") as file:
        file.write(creds.saml_data["SAMLResponse"])
    print(f"ok an AWS SAML assertion with six roles ({ENGINE})", flush=True)
    assert {role.friendly_account_name for role in roles} >= {
        "Account: acme-production (123456789012)", "Account: acme-development (210987654321)"}, roles
    # Its pattern of an org's address has no port: the device is not registered.
    creds.handle_action_register_device = lambda: None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        creds.ui.stdout = printed
        creds.run()
    given = [json.loads(line)["credentials"]["aws_access_key_id"] for line in printed.getvalue().splitlines() if line]
    assert len(given) == 6 and all(key.startswith("ASIA") for key in given), printed.getvalue()
    print(f"ok names of accounts, and credentials of six roles ({ENGINE})", flush=True)


main()
