"""300 generated config files: botocore reads the same profiles before and after `okta-dac aws refresh`.

Reads OKTA_URL, AWS_URL and OKTA_DAC, the program. The files are the same in each run.
"""

import json
import os
import random
import subprocess
import tempfile

from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError

URL, AWS, PROGRAM = (os.environ[name] for name in ["OKTA_URL", "AWS_URL", "OKTA_DAC"])
FILES = 300
OURS = "okta-"
UNSAFE = 12


def section(chance, name):
    """A section of somebody's, with what people write there."""
    lines = [name]
    for key in chance.sample(["region", "output", "sso_session", "cli_pager", "role_arn", "retry_mode"], chance.randint(0, 4)):
        space = chance.choice(["", " ", "  "])
        lines.append(f"{key}{space}={space}{chance.choice(['eu-west-1', 'json', '', 'a = b', 'x # y', 'ü'])}")
        if chance.random() < 0.3:
            lines.append(chance.choice(["# a comment", "; another", "", "#okta-dac", "  # indented"]))
    if chance.random() < 0.3:
        lines += ["s3 =", "  max_concurrent_requests = 20", "  addressing_style = path"]
    if chance.random() < 0.2:
        lines.append("")
    return lines


def generated(chance):
    """The bytes of a file."""
    lines = chance.choice([[], ["# mine"], ["", "; mine", ""]])
    names = chance.sample(["one", "two", "with space", "o.k-a_y", "okta", "x/y"], chance.randint(0, 4))
    names = [f"[profile '{name}']" if " " in name else f"[profile {name}]" for name in names]
    if chance.random() < 0.7:
        names.append("[default]")
    names += chance.choice([[], [], ["[sso-session s]"], ["[services local]"], ["[plugins]"]])
    if names and chance.random() < 0.08:
        # The whole file is unreadable for AWS's tools.
        names.append(names[0])
    chance.shuffle(names)
    for name in names:
        lines += section(chance, name)
    text = chance.choice(["\n", "\n", "\r\n"]).join(lines)
    if lines and chance.random() < 0.7:
        text += "\n"
    return (b"\xef\xbb\xbf" if chance.random() < 0.05 else b"") + text.encode()


def read(path):
    """What botocore makes of a file, without our profiles; None if nothing."""
    try:
        config = load_config(path)
    except ConfigParseError:
        return None
    config["profiles"] = {name: keys for name, keys in config["profiles"].items() if not name.startswith(OURS)}
    return config


def ours(path):
    return sorted(name for name in load_config(path)["profiles"] if name.startswith(OURS))


def main():
    request = ["curl", "-fsS", "-X", "PUT", f"{URL}/_emulator/settings", "-H", "content-type: application/json", "-d"]
    subprocess.run([*request, '{"classicEngine":true,"holdEvents":true}'], check=True, stdout=subprocess.DEVNULL)
    home = tempfile.mkdtemp()
    environment = {"HOME": home, "AWS_ENDPOINT_URL": AWS, "OKTA_DAC_AWS_INSECURE_LOCAL": "1"}
    settings = {
        "ssoUrl": f"{URL}/app/amazon_aws/exk1awsaccount000001/sso/saml", "username": "user@globex.test",
        "password": "Demo-Passw0rd", "store": "file"}
    subprocess.run(
        [PROGRAM, "aws", "init", "--stdin-json"], env=environment, input=json.dumps(settings), text=True, check=True,
        stderr=subprocess.DEVNULL)
    edited, refused, linked = 0, 0, 0
    for number in range(FILES):
        chance = random.Random(number)
        folder = os.path.join(home, str(number))
        os.makedirs(folder)
        path = target = os.path.join(folder, "config")
        if chance.random() < 0.1:
            target = os.path.join(folder, "elsewhere")
            os.symlink("elsewhere", path)
            linked += 1
        own = generated(chance)
        with open(target, "wb") as file:
            file.write(own)
        read_only = chance.random() < 0.05
        if read_only:
            os.chmod(target, 0o444)
        before = read(path)

        def refresh(*roles):
            command = [PROGRAM, "aws", "refresh", *roles]
            done = subprocess.run(command, env=environment | {"AWS_CONFIG_FILE": path}, capture_output=True, text=True)
            with open(target, "rb") as file:
                return done, file.read()

        done, after = refresh("--role", "123456789012:role/Reader")
        if read_only or before is None:
            assert (done.returncode, after) == (UNSAFE, own), (number, done, own, after)
            refused += 1
            continue
        assert done.returncode == 0, (number, done, own)
        assert after.startswith(own), (number, own, after)
        assert read(path) == before and ours(path) == ["okta-acme-production-Reader"], (number, own, after)
        # Somebody writes below our section; then we write again.
        more = b"\n".join(line.encode() for line in section(chance, "[profile later]")) + b"\n"
        with open(target, "ab") as file:
            file.write(more)
        before = read(path)
        done, last = refresh("--role", "Auditor")
        assert done.returncode == 0 and last.startswith(after + more), (number, done, last)
        assert read(path) == before and len(ours(path)) == 3, (number, last)
        assert os.path.islink(path) == (target != path), number
        edited += 1
    assert edited > 200 and refused > 20 and linked > 10, (edited, refused, linked)
    print(f"ok botocore: {edited} files with the same profiles, {refused} that cannot be edited untouched", flush=True)


main()
