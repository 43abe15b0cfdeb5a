"""__slots__, properties, cached values, __getattr__ and __setattr__."""


class Celsius:
    __slots__ = ("_degrees", "reads", "unset")

    def __init__(self, degrees):
        self.reads = 0
        self._degrees = degrees

    @property
    def degrees(self):
        self.reads += 1
        return self._degrees

    @degrees.setter
    def degrees(self, value):
        if value < -273.15:
            raise ValueError(value)
        self._degrees = value


class Recording:
    def __init__(self):
        object.__setattr__(self, "log", [])

    def __getattr__(self, name):
        self.log.append(("get", name))
        return len(name)

    def __setattr__(self, name, value):
        self.log.append(("set", name))
        object.__setattr__(self, name, value)


thermometer = Celsius(20.5)
thermometer.degrees = thermometer.degrees + 1
try:
    thermometer.degrees = -500
except ValueError as error:
    print("refused", error)
recording = Recording()
recording.first = recording.absent
print(thermometer.degrees, thermometer.reads, recording.log, hasattr(thermometer, "unset"))
