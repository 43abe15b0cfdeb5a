"""Lambdas, decorators with and without arguments, functools."""

import functools


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


def repeat(times):
    def decorate(function):
        def wrapper(value):
            for _ in range(times):
                value = function(value)
            return value

        return wrapper

    return decorate


@traced
@repeat(3)
def double(value):
    return value * 2


@functools.lru_cache(maxsize=None)
def slow(n):
    return n if n < 2 else slow(n - 1) + slow(n - 2)


compose = lambda f, g: lambda x: f(g(x))  # noqa: E731
both = compose(double, lambda x: x + 1)
ordered = sorted(["bb", "a", "ccc"], key=lambda word: -len(word))
total = functools.reduce(lambda a, b: a * 10 + b, [1, 2, 3])
print(both(1), double.calls, slow(12), ordered, total)
