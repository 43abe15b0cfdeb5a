"""Imports of a sibling module, inside a function too, and its globals."""

import helper_module
from helper_module import Greeter, greet


def use():
    from helper_module import state

    state.append("used")
    helper_module.level += 1
    return helper_module.describe()


class Polite(Greeter):
    def word(self):
        return "good day"


print(greet("a"), use(), Polite().say("b"), helper_module.level)
