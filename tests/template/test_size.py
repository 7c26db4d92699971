"""The size of template.yaml after SAM's transformation, and the limits of CloudFormation.

A stack has at most 500 resources, and its template, uploaded to S3, at most 1 MB
(CloudFormation User Guide, "Understand CloudFormation quotas"). SAM makes several
resources of one function, so what stands in template.yaml says little.
"""

import json
import logging
import re
import unittest
from pathlib import Path

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# What the library says of features and metrics is noise here.
logging.disable(logging.WARNING)

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
RESOURCES = 500
BYTES = 1_000_000
MORE = 30


class Policies(ManagedPolicyLoader):
    """No policy of AWS's own is used by its name: nobody need be asked."""

    def __init__(self):
        super().__init__(None)

    def load(self):
        return {}


def resources_of(text):
    """The resources of a template after the transformation."""
    return transform_of(text)["Resources"]


def transformed(text):
    """Resources and bytes of a template after the transformation."""
    result = transform_of(text)
    return len(result["Resources"]), len(json.dumps(result))


def transform_of(text):
    """The template as SAM transforms it."""
    template = yaml_parse(text)
    # As `sam package` writes them.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/" + "0" * 32
    parameters = {
        name: parameter.get("Default", "x") for name, parameter in template["Parameters"].items()
    }
    return transform(template, parameters, Policies())


def with_more(text, count):
    """The template with so many more operations, each like `get-tenant`."""
    block = re.search(r"\n  GetTenantFunction:\n.*?(?=\n  \w+Function:\n)", text, re.S).group(0)
    more = "".join(
        block.replace("GetTenant", f"GetMore{n}")
        .replace("get-tenant", f"get-more-{n}")
        .replace("/tenants/{tenant}", f"/more{n}/{{tenant}}")
        for n in range(count)
    )
    return text.replace(block, block + more)


class Size(unittest.TestCase):
    def test_there_is_room_for_more_operations(self):
        text = TEMPLATE.read_text()
        resources, size = transformed(text)
        more_resources, more_size = transformed(with_more(text, MORE))
        print(
            f"template.yaml: {resources} resources, {size:,} bytes after SAM's transformation; "
            f"with {MORE} more operations {more_resources} of {RESOURCES} resources, "
            f"{more_size:,} of {BYTES:,} bytes"
        )
        self.assertGreaterEqual(more_resources, resources + 2 * MORE)
        self.assertLess(more_resources, RESOURCES)
        self.assertLess(more_size, BYTES)

    def test_too_many_operations_are_noticed(self):
        resources, _ = transformed(with_more(TEMPLATE.read_text(), 200))
        self.assertGreater(resources, RESOURCES)


if __name__ == "__main__":
    unittest.main()
