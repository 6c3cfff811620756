from support import PNG, BookTest, store

from guestbook import pictures


class Book(BookTest):
    def test_shows_what_was_signed_as_it_was_written_and_never_as_markup(self):
        answer = self.sign('<i>"Ada"', "1 < 2\n<script>", PNG)
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/book/#entry-1"))
        page = self.ask("GET", "/")
        self.assertEqual(page.status, 200)
        self.assertIn("1 &lt; 2\n&lt;script&gt;</p>", page.text)
        self.assertIn('alt="Picture from &lt;i&gt;&quot;Ada&quot;"', page.text)
        self.assertIn('<time datetime="2026-11-05T09:07:00+00:00">5 November 2026, 09:07 UTC</time>', page.text)
        self.assertNotIn("<script", page.text)
        picture = page.text.partition('href="/book/pictures')[2].partition('"')[0]
        answer = self.ask("GET", f"/pictures{picture}")
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.body), (200, "image/png", PNG))

    def test_a_picture_stands_in_for_its_thumbnail_until_that_is_made(self):
        self.sign(picture=PNG)
        thumbnail = self.ask("GET", "/").text.partition('src="/book/thumbnails')[2].partition('"')[0]
        answer = self.ask("GET", f"/thumbnails{thumbnail}")
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.body), (200, "image/png", PNG))
        self.assertNotIn("immutable", answer.headers["Cache-Control"])
        pictures.keep_thumbnail(thumbnail[1:], b"small")
        answer = self.ask("GET", f"/thumbnails{thumbnail}")
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.body), (200, "image/webp", b"small"))
        self.assertIn("immutable", answer.headers["Cache-Control"])

    def test_a_mistake_is_told_at_its_field_with_all_that_was_typed(self):
        for name, message, field, words in [
            (" \t", "Words", "name", "Please give a name"),
            ("a" * 81, "Words", "name", "80 characters"),
            ("Ada", " \r\n ", "message", "Please leave some words"),
            ("Ada", "b" * 2001, "message", "2,000 characters"),
        ]:
            with self.subTest(words):
                answer = self.sign(name, message)
                self.assertEqual(answer.status, 422)
                self.assertIn(words, answer.text)
                self.assertRegex(answer.text, f'name="{field}"[^>]* aria-invalid="true" aria-describedby="problem"')
                self.assertIn(f'value="{name}"', answer.text)
        self.assertEqual(self.entries, [])

    def test_what_fits_in_the_browser_fits_here(self):
        self.assertEqual(self.sign("a" * 80, "b\r\n" * 999 + "b" * 2).status, 303)

    def test_a_form_without_its_token_is_shown_once_more(self):
        answer = self.sign("Ada", "Words", token="")
        self.assertEqual(answer.status, 403)
        self.assertIn("too old", answer.text)
        self.assertIn("\nWords</textarea>", answer.text)
        self.assertEqual(self.entries, [])

    def test_more_than_varnish_lets_through_is_never_read(self):
        answer = self.ask("POST", "/", "multipart/form-data; boundary=x", length=str(11 * 1024 * 1024))
        self.assertEqual(answer.status, 413)

    def test_a_database_that_does_not_answer_is_told_and_the_words_stay(self):
        def unreachable(*_):
            raise ConnectionError

        token = self.open()
        store.entries = store.add = store.ping = unreachable
        answer = self.sign("Ada", "Words", token=token)
        self.assertEqual(answer.status, 503)
        self.assertIn("can&#x27;t be opened right now", answer.text)
        self.assertIn("\nWords</textarea>", answer.text)
        self.assertEqual(self.ask("GET", "/").status, 503)
        # The check of a new release must not take that for health.
        self.assertRaises(ConnectionError, self.ask, "GET", "/health")

    def test_the_address_without_a_slash_leads_to_the_one_with_it(self):
        answer = self.ask("GET", "")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/book/"))

    def test_what_is_not_there_is_told_with_a_way_back(self):
        lost = ["/nowhere", "/pictures/../secret", "/thumbnails/../secret"]
        for method, path in [*(("GET", path) for path in lost), ("DELETE", "/"), ("POST", "/pictures/a.png")]:
            answer = self.ask(method, path)
            self.assertEqual(answer.status, 404)
            self.assertIn('<a href="/book/">', answer.text)
