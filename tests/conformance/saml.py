"""Verifies an assertion as a service provider would: signatures of response and assertion.

Reads SAML_RESPONSE_FILE, which gimme.py has left.
"""

import base64
import os

from lxml import etree
from signxml import XMLVerifier

with open(os.environ["SAML_RESPONSE_FILE"], encoding="utf-8") as file:
    response = etree.fromstring(base64.b64decode(file.read()))
names = {"saml2": "urn:oasis:names:tc:SAML:2.0:assertion", "ds": "http://www.w3.org/2000/09/xmldsig#"}
pem = response.findtext("ds:Signature//ds:X509Certificate", namespaces=names)
signed = XMLVerifier().verify(response, x509_cert=pem).signed_xml
assert signed.tag.endswith("}Response"), signed.tag
assertion = response.find("saml2:Assertion", names)
# As a document of its own, as exclusive canonicalization has it.
assertion = etree.fromstring(etree.tostring(assertion))
assert XMLVerifier().verify(assertion, x509_cert=pem).signed_xml.tag.endswith("}Assertion")
tampered = etree.tostring(response).replace(b"role/Reader", b"role/Writer")
try:
    XMLVerifier().verify(etree.fromstring(tampered), x509_cert=pem)
    raise AssertionError("a changed response is accepted")
except Exception as error:
    assert "Digest mismatch" in str(error), error
print("ok the signatures of response and assertion", flush=True)
