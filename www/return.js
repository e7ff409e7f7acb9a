// SPDX-License-Identifier: ISC
"use strict";

// Where to go after signing in: the path if it is one of this very site, else
// null.  Anybody may have made the link, so the rule is strict, and the same as
// in src/http/local_path.c; tests/unit/vectors/local_paths.json holds for both.
function returnPath(text) {
	if (typeof text !== "string" || new TextEncoder().encode(text).length > 2048)
		return null;
	return /^\/(?!\/)[^\\\x00-\x1f\x7f]*$/.test(text) ? text : null;
}
