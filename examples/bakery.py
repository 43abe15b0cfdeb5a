"""Plan a bakery's morning: scale recipes, convert units, check the pantry. One order goes wrong."""

from dataclasses import dataclass, field

GRAMS = {"g": 1, "kg": 1000, "cup of flour": 125, "spoon of sugar": 12}

RECIPES = {
    "bread": {"serves": 4, "needs": {"flour": (4, "cup of flour"), "salt": (10, "g")}},
    "cake": {"serves": 8, "needs": {"flour": (0.25, "kg"), "sugar": (12, "spoon of sugar")}},
    "brioche": {"serves": 6, "needs": {"flour": (0.5, "kg"), "butter": (2, "stick of butter")}},
}


@dataclass
class Pantry:
    """What is on the shelves, in grams."""

    grams: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, amount: float) -> None:
        left = self.grams.get(name, 0) - amount
        if left < 0:
            raise LookupError(f"{-left:.0f} g of {name} are missing")
        self.grams[name] = left


def to_grams(amount: float, unit: str) -> float:
    return amount * GRAMS[unit]


def scale(recipe: dict, guests: int) -> dict[str, float]:
    factor = guests / recipe["serves"]
    return {name: to_grams(*amount) * factor for name, amount in recipe["needs"].items()}


def bake(order: tuple[str, int], pantry: Pantry) -> str:
    name, guests = order
    for ingredient, grams in scale(RECIPES[name], guests).items():
        pantry.take(ingredient, grams)
    return f"{name} for {guests}"


def main() -> None:
    pantry = Pantry({"flour": 3000, "sugar": 500, "salt": 100, "butter": 1000})
    for order in [("bread", 12), ("cake", 10), ("brioche", 3)]:
        try:
            print("baked", bake(order, pantry))
        except LookupError as problem:
            raise RuntimeError(f"cannot bake {order[0]}") from problem


if __name__ == "__main__":
    main()
