"""The state of mutable objects, folded from their records."""

from dataclasses import dataclass, field

from tracefmt.cursor import Damaged
from tracefmt.values import Value, Values

BASE, NEW = 1, 2
ITEMS, PAIRS, ATTRIBUTES = 1, 2, 4


@dataclass
class Object:
    """An object at one moment. Attributes keep their position while they are unbound."""

    type: int
    items: list[Value] = field(default_factory=list)
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    attributes: list[tuple[Value, Value]] = field(default_factory=list)
    true_items: int = 0
    true_pairs: int = 0
    sections: int = 0
    block: int = -1  # that opened it last

    def item(self, values: Values) -> None:
        index = values.varint()
        self.items[at(index, self.items)] = values.value()

    def append(self, values: Values) -> None:
        self.sections |= ITEMS
        self.items.append(values.value())
        self.true_items += 1

    def splice(self, values: Values) -> None:
        self.sections |= ITEMS
        start, removed = values.varint(), values.varint()
        added = [values.value() for _ in range(values.count())]
        if start + removed > len(self.items):
            raise Damaged("items are removed that are not there")
        self.items[start : start + removed] = added
        self.true_items += len(added) - removed

    def pair(self, values: Values) -> None:
        self.sections |= PAIRS
        pair = (values.value(), values.value())
        place = self.find(pair[0])
        if place is None:
            self.pairs.append(pair)
            self.true_pairs += 1
        else:
            self.pairs[place] = pair

    def find(self, key: Value) -> int | None:
        """The place of the first pair with this key."""
        return next((i for i, pair in enumerate(self.pairs) if pair[0] == key), None)

    def unpair(self, values: Values) -> None:
        key = values.value()
        place = self.find(key)
        if place is not None:
            del self.pairs[place]
        elif len(self.pairs) >= self.true_pairs:
            raise Damaged(f"the key {key} is removed, and is not there")
        self.true_pairs -= 1

    def clear(self, _values: Values) -> None:
        self.items, self.pairs = [], []
        self.true_items = self.true_pairs = 0

    def attribute(self, values: Values) -> None:
        position = at(values.varint(), self.attributes)
        self.attributes[position] = (self.attributes[position][0], values.value())

    def add_attribute(self, values: Values) -> None:
        self.sections |= ATTRIBUTES
        self.attributes.append((values.value(), values.value()))

    def delete_attribute(self, values: Values) -> None:
        del self.attributes[at(values.varint(), self.attributes)]

    def total(self, values: Values) -> None:
        length = values.varint()
        if self.sections & PAIRS:
            self.true_pairs = length
        elif self.sections & ITEMS or not self.sections & ATTRIBUTES:
            self.true_items = length

    def checked(self, values: Values) -> None:
        values.zigzag()  # for a reader that looks ahead

    def base(self, values: Values) -> None:
        """The whole state."""
        sections = values.u8()
        if sections & ~(ITEMS | PAIRS | ATTRIBUTES):
            raise Damaged(f"sections {sections:#x}")
        self.sections |= sections
        self.clear(values)
        self.attributes = []
        if sections & ITEMS:
            self.true_items = values.varint()
            self.items = [values.value() for _ in range(values.count())]
        if sections & PAIRS:
            self.true_pairs = values.varint()
            self.pairs = [(values.value(), values.value()) for _ in range(values.count())]
        if sections & ATTRIBUTES:
            values.varint()
            self.attributes = [(values.value(), values.value()) for _ in range(values.count())]


def at(index: int, places: list) -> int:
    if index >= len(places):
        raise Damaged(f"place {index} of {len(places)}")
    return index


CHANGES = {
    0xD2: Object.item,
    0xD3: Object.append,
    0xD4: Object.splice,
    0xD5: Object.pair,
    0xD6: Object.unpair,
    0xD7: Object.clear,
    0xD8: Object.attribute,
    0xD9: Object.add_attribute,
    0xDA: Object.delete_attribute,
    0xDB: Object.total,
    0xDC: Object.checked,
}


class Objects(dict[int, Object]):
    """All objects of a trace that were described so far, by number."""

    def open(self, values: Values, block: int) -> int:
        """Returns the object's number."""
        number, kind, flags = values.object(), values.type(), values.u8()
        if flags & ~(BASE | NEW):
            raise Damaged(f"OPEN flags {flags:#x}")
        known = self.get(number)
        if flags & BASE:
            if known is None:
                known = self[number] = Object(kind)
            known.base(values)
        else:
            back = values.varint()
            if known is None or known.block != block - back or back == 0:
                raise Damaged(f"object {number} was not opened {back} blocks ago")
        known.type, known.block = kind, block
        return number

    def change(self, byte: int, values: Values, block: int) -> None:
        number = values.object()
        if number not in self or self[number].block != block:
            raise Damaged(f"object {number} changes before this block opens it")
        CHANGES[byte](self[number], values)
