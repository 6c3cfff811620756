"""Takes away what no entry shows, once a day: pictures whose entry could not be kept, and what was not written to its end."""

import time

from guestbook import pictures, store

A_DAY = 24 * 60 * 60


def main():
    # A picture comes before its entry, so what is new may still get one.
    before = time.time() - A_DAY
    gone = pictures.tidy(store.pictures(), before)
    print(f"Files that no entry showed, taken away: {len(gone)}")


if __name__ == "__main__":
    main()
