"""boto3, botocore and the AWS CLI with profiles that `okta-dac aws refresh` writes.

Reads OKTA_URL, AWS_URL and OKTA_DAC, the program.
"""

import configparser
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request

URL, AWS, PROGRAM = (os.environ[name] for name in ["OKTA_URL", "AWS_URL", "OKTA_DAC"])
HOME = tempfile.mkdtemp()
CONFIG = os.path.join(HOME, ".aws", "config")
READER = "arn:aws:iam::123456789012:role/Reader"
OWN = """# mine
[default]
region = eu-west-1

[profile chained]
role_arn = arn:aws:iam::123456789012:role/Backup
source_profile = okta-acme-production-Reader
s3 =
  max_concurrent_requests = 20
"""


def call(url, method="GET", body=None):
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, headers, method=method)
    return json.loads(urllib.request.urlopen(request).read() or "null")


def actions(name):
    return sum(entry["action"] == name for entry in call(f"{AWS}/_aws/requests"))


def sign_ins():
    return sum(entry["operationId"] == "authn" for entry in call(f"{URL}/_emulator/requests"))


def okta_dac(*arguments, **more):
    return subprocess.run([PROGRAM, "aws", *arguments], check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def main():
    call(f"{URL}/_emulator/settings", "PUT", {"classicEngine": True, "holdEvents": True})
    for name in list(os.environ):
        if name.startswith("AWS_") and name != "AWS_URL":
            del os.environ[name]
    os.environ.update(HOME=HOME, AWS_ENDPOINT_URL=AWS, OKTA_DAC_AWS_INSECURE_LOCAL="1", AWS_CONFIG_FILE=CONFIG, AWS_DEFAULT_REGION="us-east-1")
    os.makedirs(os.path.dirname(CONFIG))
    with open(CONFIG, "w", encoding="utf-8") as file:
        file.write(OWN)
    settings = {
        "ssoUrl": f"{URL}/app/amazon_aws/exk1awsaccount000001/sso/saml", "username": "user@globex.test",
        "password": "Demo-Passw0rd", "store": "file"}
    okta_dac("init", "--stdin-json", input=json.dumps(settings), stderr=subprocess.DEVNULL)
    okta_dac("refresh")
    with open(CONFIG, encoding="utf-8") as file:
        assert file.read().startswith(OWN)
    parsed = configparser.RawConfigParser()
    parsed.read(CONFIG)
    assert parsed.get("default", "region") == "eu-west-1" and len(parsed.sections()) == 8, parsed.sections()
    print("ok configparser reads the file, and what was there before", flush=True)

    import boto3
    import botocore.session

    call(f"{AWS}/_aws/requests", "DELETE")
    identity = boto3.Session(profile_name="okta-acme-production-Reader").client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::123456789012:assumed-role/Reader/user@globex.test", identity
    print("ok boto3: a profile's credentials are the role's", flush=True)

    # OPEN-2: a profile on another one signs in for nothing.
    for _ in range(5):
        identity = botocore.session.Session(profile="chained").create_client("sts").get_caller_identity()
        assert ":assumed-role/Backup/" in identity["Arn"], identity
    assert (sign_ins(), actions("AssumeRoleWithSAML"), actions("AssumeRole")) == (1, 0, 5)
    print("ok botocore: source_profile, five times without a sign-in", flush=True)

    # OPEN-10: threads that start at once, with nothing kept.
    okta_dac("logout")
    call(f"{AWS}/_aws/requests", "DELETE")
    keys, failed = [], []

    def ask():
        try:
            session = botocore.session.Session(profile="okta-acme-production-Reader")
            keys.append(session.get_credentials().get_frozen_credentials().access_key)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(keys) == 64 and len(set(keys)) == 1, (failed, set(keys))
    assert (sign_ins(), actions("AssumeRoleWithSAML")) == (2, 1), sign_ins()
    print("ok botocore: 64 threads at once are one sign-in", flush=True)

    command = [os.path.join(os.path.dirname(sys.executable), "aws"), "sts", "get-caller-identity", "--output", "json",
               "--region", "us-east-1", "--profile"]
    for profile, account in [("okta-acme-development-Auditor", "210987654321"), ("okta-acme-production-Operator", "123456789012")]:
        done = subprocess.run([*command, profile], check=True, text=True, stdout=subprocess.PIPE)
        assert json.loads(done.stdout)["Account"] == account, done.stdout
    print("ok AWS CLI: profiles of two accounts", flush=True)

    wanted = json.loads(okta_dac("get-cred", "--role-arn", READER))
    for shell, format in [("bash", "sh"), ("dash", "sh"), ("zsh", "sh"), ("fish", "fish"), ("bash", "eval"), ("zsh", "eval")]:
        text = okta_dac("get-cred", "--role-arn", READER, "--format", format)
        script = f'{text}\nprintf "%s %s" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"'
        done = subprocess.run([shell, "-c", script], check=True, text=True, stdout=subprocess.PIPE)
        assert done.stdout == f"{wanted['SecretAccessKey']} {wanted['SessionToken']}", (shell, format, done.stdout)
    print("ok bash, dash, zsh and fish have the values", flush=True)

    credentials = os.path.join(HOME, "credentials")
    okta_dac("refresh", "--aws-credentials-file-path", credentials, "--write-static")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = credentials
    identity = boto3.Session(profile_name="okta-acme-development-Auditor").client("sts").get_caller_identity()
    assert identity["Account"] == "210987654321", identity
    print("ok boto3: keys in a credentials file", flush=True)


main()
