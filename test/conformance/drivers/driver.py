"""Answers the cases on standard input with what the document's code says of each."""

import base64
import json
import sys

from hex import verify_hex
from standard import verify_standard


def answer(case):
    body = base64.b64decode(case["body"])
    if case["scheme"] == "hex":
        return verify_hex(body, case["signature"], case["secrets"])
    headers = case["headers"]
    return verify_standard(body, headers["id"], headers["timestamp"], case["signature"], case["secrets"], case["now"])


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
