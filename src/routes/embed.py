# SPDX-License-Identifier: ISC
"""usage: embed.py FILE.yaml: write its data as JSON, as a C string.

In short lines: compilers need not accept long string literals.
"""

import json
import sys

import yaml

WIDTH = 64

with open(sys.argv[1], encoding="utf-8") as file:
    text = json.dumps(yaml.safe_load(file), separators=(",", ":"))
for at in range(0, len(text), WIDTH):
    part = text[at : at + WIDTH].replace("\\", "\\\\").replace('"', '\\"')
    print(f'"{part}"')
