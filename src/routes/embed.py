# SPDX-License-Identifier: ISC
"""usage: embed.py FILE.yaml: write its data as JSON, as a C string.

Line by line, as no compiler needs to take a longer one.
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
