"""Descriptors, a metaclass, __set_name__ and dynamic classes."""


class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        if instance is None:
            return self
        return getattr(instance, self.name, 0)

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name}={value}")
        setattr(instance, self.name, value)


class Registry(type):
    known = {}

    def __new__(mcs, name, bases, namespace):
        cls = super().__new__(mcs, name, bases, namespace)
        mcs.known[name] = sorted(key for key in namespace if not key.startswith("__"))
        return cls

    def __call__(cls, *args):
        instance = super().__call__(*args)
        instance.made_by = cls.__name__
        return instance


class Box(metaclass=Registry):
    width = Positive()
    height = Positive()

    def __init__(self, width, height):
        self.width = width
        self.height = height


Extra = Registry("Extra", (Box,), {"area": lambda self: self.width * self.height})
box = Extra(3, 4)
try:
    box.height = -1
except ValueError as error:
    print(error)
print(box.area(), box.made_by, Registry.known)
