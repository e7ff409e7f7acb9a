/* SPDX-License-Identifier: ISC */
#include "http/local_path.h"

#include "support/test.h"

#include "base/buf.h"
#include "base/json_value.h"
#include "support/vectors.h"

TEST(only_paths_of_this_site_are_local)
{
	struct json_value *all = vectors_load("local_paths.json");
	size_t good = 0;

	assert_true(json_value_is_array(all));
	for (size_t i = 0; i < json_value_size(all); i++) {
		const struct json_value *one = json_value_at(all, i);
		const char *path =
		    json_value_string(json_value_member(one, "path"));
		bool expect;

		assert_int_equal(
		    json_value_bool(json_value_member(one, "good"), &expect),
		    ERR_OK);
		if (local_path_check(path) != expect)
			fail_msg("\"%s\" is %s", path, expect ? "good" : "bad");
		good += expect;
	}
	assert_true(good > 10 && json_value_size(all) - good > 20);
	json_value_free(all);
}

TEST(a_path_is_so_long_at_most)
{
	char text[LOCAL_PATH_MAX + 2];

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[LOCAL_PATH_MAX] = '\0';
	assert_true(local_path_check(text));
	text[LOCAL_PATH_MAX] = 'a';
	text[LOCAL_PATH_MAX + 1] = '\0';
	assert_false(local_path_check(text));
}

TEST(a_path_is_put_into_a_query_encoded)
{
	static const struct {
		const char *url, *path, *expect;
	} cases[] = {
		{ "/", "/a/b-c._~1", "/?rd=/a/b-c._~1" },
		{ "/login?x=y", "/a", "/login?x=y&rd=/a" },
		{ "/", "/a?b=c&d=%2f#e+f g",
		    "/?rd=/a%3Fb%3Dc%26d%3D%252f%23e%2Bf%20g" },
		{ "/", "/\"'<>", "/?rd=/%22%27%3C%3E" },
		{ "/", "/\xc3\xa9\xff", "/?rd=/%C3%A9%FF" },
		/* Nothing, rather than a place we would not go back to. */
		{ "/", "//other.example", "/" },
		{ "/", "/\\other.example", "/" },
		{ "/", "/a\r\nX: y", "/" },
		{ "/", "", "/" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct buf url = { 0 };

		buf_puts(&url, cases[i].url);
		local_path_put(&url, "rd", cases[i].path);
		assert_false(url.failed);
		assert_string_equal(url.data, cases[i].expect);
		buf_clear(&url);
	}
}
