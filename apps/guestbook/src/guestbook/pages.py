"""What the pages say."""

import os
from datetime import UTC
from html import escape
from typing import NamedTuple

# Change this line, run `pulumi up`, and reload the page.
TITLE = "Guestbook"
WELCOME = "It was good to have you here. Leave a few words, and a picture if you like."


class Problem(NamedTuple):
    """What is wrong with a form, and in which field (None: in none of them)."""

    field: str | None
    words: str


NAME = Problem("name", "Please give a name, of 80 characters at most.")
MESSAGE = Problem("message", "Please leave some words, 2,000 characters at most.")
TOO_LARGE = Problem("picture", "That picture is too large: 5 MB at most. Please write once more, with a smaller one.")
STALE = Problem(None, "This page was too old to be taken, or your browser kept no cookie of ours. Please send it once more.")
CLOSED = Problem(None, "The book can't be opened right now. Please try again in a moment.")


def book(home, entries, token, problem, entered):
    def field(name):
        """How a screen reader and the keyboard find the field that a problem is about."""
        if problem is None or problem.field != name:
            return ""
        return ' aria-invalid="true" aria-describedby="problem" autofocus'

    name, message = (escape(entered.get(key, "")) for key in ("name", "message"))
    told = "" if problem is None else f'\n      <p class="problem" id="problem" role="alert">{escape(problem.words)}</p>'
    listed = "".join(_entry(home, entry) for entry in entries) or '\n      <p class="empty">Nobody has signed yet. Be the first.</p>'
    content = f"""
    <form method="post" action="{home}" enctype="multipart/form-data" aria-label="Sign the book">{told}
      <input type="hidden" name="token" value="{token}">
      <label>Your name
        <input name="name" value="{name}" maxlength="80" autocomplete="name" required{field("name")}></label>
      <label>Your words
        <textarea name="message" rows="4" maxlength="2000" required{field("message")}>
{message}</textarea></label>
      <div class="row">
        <label>A picture, if you like <small>PNG, JPEG, GIF or WebP, up to 5 MB</small>
          <input type="file" name="picture" accept="image/png,image/jpeg,image/gif,image/webp"{field("picture")}></label>
        <button>Sign the book</button>
      </div>
    </form>
    <section aria-labelledby="entries">
      <h2 id="entries">What others wrote</h2>{listed}
    </section>"""
    return _page(content, "" if problem is None else "Please look again · ")


def missing(home):
    return _page(f'\n    <p class="empty">There is no such page. <a href="{home}">Back to the book</a></p>', "Not found · ")


def _entry(home, entry):
    name = escape(entry.name)
    image = ""
    if entry.picture:
        small = f'<img src="{home}thumbnails/{entry.picture}" alt="Picture from {name}" loading="lazy">'
        image = f'\n        <a href="{home}pictures/{entry.picture}">{small}</a>'
    signed = entry.signed.astimezone(UTC)
    when = f"{signed.day} {signed:%B %Y, %H:%M} UTC"
    return f"""
      <article id="entry-{entry.id}">{image}
        <p class="words" dir="auto">{escape(entry.message)}</p>
        <footer><bdi>{name}</bdi> <time datetime="{signed.isoformat(timespec="seconds")}">{when}</time></footer>
      </article>"""


def _page(content, prefix=""):
    title = escape(TITLE)
    static = escape(os.environ.get("STATIC_URL", "/"))
    return f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{prefix}{title}</title>
  <link rel="icon" href="{static}quill.svg" type="image/svg+xml">
  <link rel="stylesheet" href="{static}guestbook.css">
</head>
<body>
  <header>
    <img src="{static}quill.svg" alt="" width="44" height="44">
    <h1>{title}</h1>
    <p>{escape(WELCOME)}</p>
  </header>
  <main>{content}
  </main>
</body>
</html>
"""
