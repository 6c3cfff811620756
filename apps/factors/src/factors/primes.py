"""Factors of numbers of up to 24 digits, within seconds."""

from math import gcd

# With these as bases, the test of Miller and Rabin is right for all numbers below 3.3e24.
SMALL = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


def factors(number):
    """All prime factors, in order."""
    found, rest = [], [number]
    while rest:
        one = rest.pop()
        if one == 1:
            continue
        if is_prime(one):
            found.append(one)
            continue
        part = next((prime for prime in SMALL if one % prime == 0), None) or divisor(one)
        rest += [part, one // part]
    return sorted(found)


def is_prime(number):
    if number < 2 or any(number % prime == 0 for prime in SMALL):
        return number in SMALL
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(number, base, odd, twos) for base in SMALL)


def _passes(number, base, odd, twos):
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    return any((power := power * power % number) == number - 1 for _ in range(twos - 1))


def divisor(number):
    """One of a number that is not prime and has no small factor, by Pollard's walk."""
    step = 0
    while True:
        step += 1
        slow = fast = 2
        product = 1
        while True:
            at = slow, fast
            # Of 256 steps at once, as gcd takes longer than they do.
            for _ in range(256):
                slow = (slow * slow + step) % number
                fast = (fast * fast + step) % number
                fast = (fast * fast + step) % number
                product = product * abs(slow - fast) % number
            part = gcd(product, number)
            if part == number:
                part = _one_by_one(number, step, *at)
            if part != 1:
                break
        if part != number:
            return part


def _one_by_one(number, step, slow, fast):
    while True:
        slow = (slow * slow + step) % number
        fast = (fast * fast + step) % number
        fast = (fast * fast + step) % number
        part = gcd(abs(slow - fast), number)
        if part != 1:
            return part
