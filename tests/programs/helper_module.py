"""A module that imports_sibling imports; it also runs alone."""

state = ["loaded"]
level = 1


class Greeter:
    def word(self):
        return "hello"

    def say(self, name):
        text = f"{self.word()} {name}"
        state.append(text)
        return text


def greet(name):
    return Greeter().say(name)


def describe():
    count = len(state)
    return f"{count} at {level}"


if __name__ == "__main__":
    print(greet("nobody"), describe())
