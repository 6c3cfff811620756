from support import BookTest

from guestbook import tokens


class Token(BookTest):
    def test_goes_with_the_cookie_it_was_issued_for_and_with_no_other(self):
        token, cookie = tokens.issue({})
        other_token, other = tokens.issue({})
        self.assertTrue(tokens.valid({"HTTP_COOKIE": f"a=b; guestbook={cookie}"}, token))
        self.assertFalse(tokens.valid({"HTTP_COOKIE": f"guestbook={other}"}, token))
        self.assertFalse(tokens.valid({"HTTP_COOKIE": f"guestbook={cookie}"}, other_token))
        self.assertFalse(tokens.valid({}, token))

    def test_a_reader_keeps_the_cookie_and_so_every_open_page_its_token(self):
        token, cookie = tokens.issue({})
        self.assertEqual(tokens.issue({"HTTP_COOKIE": f"guestbook={cookie}"}), (token, cookie))

    def test_a_cookie_that_is_none_of_ours_is_replaced(self):
        for strange in ["", "x", "é" * 32, "A" * 32, "0" * 33, '"; Path=/']:
            _, cookie = tokens.issue({"HTTP_COOKIE": f"guestbook={strange}"})
            self.assertRegex(cookie, "^[0-9a-f]{32}$")
            self.assertNotEqual(cookie, strange)
