"""What was found, in Django's cache: for a day, or until there is no room for it."""

from django.core.cache import cache

A_DAY = 24 * 60 * 60


def get(number):
    return cache.get(f"factors-{number}")


def keep(number, factors):
    cache.set(f"factors-{number}", factors, A_DAY)
