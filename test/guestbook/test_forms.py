import io
import random
import unittest

from support import multipart

from guestbook import forms


def read(kind, body):
    return forms.read({"CONTENT_TYPE": kind, "wsgi.input": io.BytesIO(body)}, len(body))


class Form(unittest.TestCase):
    def test_texts_are_text_and_the_picture_is_bytes(self):
        form = multipart(('name="name"', "Zoë".encode()), ('name="picture"; filename="ä;\\".png"', b"\xff\x00"))
        self.assertEqual(read(*form), {"name": "Zoë", "picture": b"\xff\x00"})

    def test_every_byte_of_a_picture_stays_as_it_is(self):
        made = random.Random(4)
        for content in [b"", b"\r", b"\n", b"\r\n", b"\r\n--", b"--\r\n", *(made.randbytes(3000) for _ in range(20))]:
            self.assertEqual(read(*multipart(('name="picture"; filename="x"', content))), {"picture": content})

    def test_line_ends_count_as_one_character_as_in_the_browser(self):
        self.assertEqual(read(*multipart(('name="message"', b"a\r\nb"))), {"message": "a\nb"})

    def test_a_text_where_the_picture_is_meant_is_left_out_and_the_other_way_round(self):
        self.assertEqual(read(*multipart(('name="picture"', b"text"), ('name="name"; filename="f"', b"file"))), {})

    def test_what_is_not_well_formed_has_no_fields(self):
        kind, body = multipart(('name="name"', b"Ada"))
        for broken in [
            ("multipart/form-data", body),
            ("multipart/form-data; boundary=other", body),
            (kind, body.replace(b"\r\n\r\n", b"\r\n")),
            (kind, body.replace(b"name=", b"nom=")),
            (kind, b""),
            ("application/x-www-form-urlencoded", b"name=Ada"),
            ("", b"\xff\xfe"),
        ]:
            with self.subTest(broken):
                self.assertEqual(read(*broken), {})
