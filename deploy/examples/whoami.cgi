#!/bin/sh
# SPDX-License-Identifier: ISC
# A guarded page that greets the user.  The web server has asked Latchkey before
# this program runs, and passes the user in the environment.

# Users choose their names: escape them in HTML.
escape() {
	printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' \
	    -e 's/>/\&gt;/g' -e 's/"/\&quot;/g' -e "s/'/\\&#39;/g"
}

printf 'Content-Type: text/html; charset=utf-8\r\n'
printf 'Cache-Control: no-store\r\n\r\n'
cat <<END
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Who is signed in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/style.css">
<main>
<h1>Hello, $(escape "${AUTH_USER-}")</h1>
<dl>
<dt>Id</dt><dd>$(escape "${REMOTE_USER-}")</dd>
<dt>Email</dt><dd>$(escape "${AUTH_EMAIL-}")</dd>
<dt>Role</dt><dd>$(escape "${AUTH_ROLE-}")</dd>
</dl>
<p><a href="/account.html">Your account</a></p>
</main>
</html>
END
