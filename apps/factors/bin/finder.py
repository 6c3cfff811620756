"""Finds the factors of what is asked, one number after another."""

import os
import signal

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "factors.settings"
django.setup()

from factors import found, primes, queue  # noqa: E402


def main():
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    queue.take_back()
    while not ending:
        number = queue.take(seconds=1)
        if number is None:
            continue
        if found.get(number) is None:
            factors = primes.factors(int(number))
            found.keep(number, factors)
            print(f"{number} = {' · '.join(map(str, factors)) or 1}", flush=True)
        queue.done(number)


if __name__ == "__main__":
    main()
