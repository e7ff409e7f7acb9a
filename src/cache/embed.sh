#!/bin/sh
# SPDX-License-Identifier: ISC
#
# embed.sh FILE.lua: write the script as the members of a struct redis_script.
set -eu

sum=$(sha1sum <"$1")
echo '	.text ='
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' \
    -e 's/^/	    "/' -e 's/$/\\n"/' "$1"
echo '	,'
echo "	.sha1 = \"${sum%% *}\","
