"""Class bodies: code in the body, inheritance, super, class and static methods."""


class Base:
    count = 0
    registry = []
    for suffix in "ab":
        registry.append("item_" + suffix)
    del suffix

    def __init__(self, name):
        self.name = name
        Base.count += 1

    def __init_subclass__(cls, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.tag = tag

    def describe(self):
        return f"{type(self).__name__}:{self.name}"

    @classmethod
    def make(cls, *names):
        return [cls(name) for name in names]

    @staticmethod
    def helper(value):
        return value * 2


class Child(Base, tag="child"):
    if Base.count == 0:
        early = True

    def describe(self):
        inner = super().describe()
        self.described = inner
        return f"<{inner}>"


children = Child.make("one", "two")
texts = [child.describe() for child in children]
print(texts, Base.count, Child.tag, Child.early, Base.helper(4), Base.registry)
