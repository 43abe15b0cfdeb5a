"""Dataclasses: defaults, frozen, order, slots, post-init, replace."""

from dataclasses import asdict, dataclass, field, replace


@dataclass(order=True)
class Version:
    major: int
    minor: int = 0
    tags: list = field(default_factory=list, compare=False)

    def __post_init__(self):
        self.tags = [*self.tags, f"v{self.major}"]


@dataclass(frozen=True, slots=True)
class Money:
    amount: int
    unit: str = "EUR"

    def add(self, other):
        total = self.amount + other.amount
        return replace(self, amount=total)


versions = [Version(2, 1), Version(1, 5, ["old"]), Version(2)]
versions.sort()
versions[0].minor = 6
cash = Money(3).add(Money(4))
try:
    cash.amount = 0
except AttributeError as error:
    print(type(error).__name__)
print([asdict(version) for version in versions], cash)
