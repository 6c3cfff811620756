"""The numbers that were asked for, in Redis: those that wait, and those that the worker has in hand."""

import os

import redis

WAITING, IN_HAND = "queue-waiting", "queue-in-hand"
MOST = 1000

_redis = redis.Redis.from_url(os.environ["CONFIG_REDIS_URL"], decode_responses=True)


def ask(number):
    """False: it is full. A number that two ask for at the same moment may be there twice, which costs time alone."""
    if has(number):
        return True
    if length() >= MOST:
        return False
    _redis.lpush(WAITING, number)
    return True


def has(number):
    return any(_redis.lpos(key, number) is not None for key in (WAITING, IN_HAND))


def length():
    return _redis.llen(WAITING)


def take(seconds):
    """The next number; None where none came. It stays in hand until it is done, so that none is lost with its worker."""
    return _redis.blmove(WAITING, IN_HAND, seconds, "RIGHT", "LEFT")


def done(number):
    _redis.lrem(IN_HAND, 1, number)


def take_back():
    """What a worker had in hand when it was killed is next. There is one worker, also while one release gives way to another."""
    while _redis.lmove(IN_HAND, WAITING, "LEFT", "RIGHT") is not None:
        pass
