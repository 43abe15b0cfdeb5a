"""Settle a shop's orders with a coupon; a thread counts the stock. One order goes wrong."""

import threading
from dataclasses import dataclass, field

LIMIT = 0.2  # the most that coupons may take off
STOCK = ["tea", "cup", "tea", "pot", "cup", "tea", "spoon", "pot", "tea"] * 12


@dataclass
class Item:
    name: str
    price: float
    count: int = 1


@dataclass
class Order:
    id: int
    customer: str
    items: list = field(default_factory=list)


class Rule:
    def __init__(self, name, rate):
        self.name = name
        self.rate = rate

    def match(self, coupon):
        return coupon.lower().startswith(self.name)


RULES = [Rule("summer", 0.3), Rule("spring", 0.1), Rule("sp", 0.05)]


def discount(order, coupon):
    """What the coupon takes off this order."""
    total = sum(item.price * item.count for item in order.items)
    off = 0.0
    for rule in RULES:
        if not rule.match(coupon):
            continue
        off += total * rule.rate
    used = share(off, total)
    if used > LIMIT:
        off = total * LIMIT
    return round(off, 2)


def share(part, whole):
    return part / whole


def settle(orders, coupon):
    saved = 0.0
    for order in orders:
        off = discount(order, coupon)
        saved += off
        print(f"order {order.id}: \x1b[32m-{off:.2f}\x1b[0m")
    return saved


def load(count):
    """Orders as a shop might have them; nobody put anything into one of them."""
    orders = []
    for number in range(1, count + 1):
        order = Order(number, ["ann", "bob", "eve"][number % 3])
        for line in range(number * 7 % 5):
            order.items.append(Item(f"item {line}", 1.5 * (number % 9 + 1 + line), 1 + line))
        if number % 5 == 0 and number != 35:
            order.items.append(Item("gift", 2.0))
        orders.append(order)
    return orders


def count_stock(words, into):
    for word in words:
        into[word] = into.get(word, 0) + 1


def main():
    password = "correct horse"
    stock = {}
    counter = threading.Thread(target=count_stock, args=(STOCK, stock), name="stock-counter")
    counter.start()
    orders = load(42)
    print(f"loaded {len(orders)} orders" if password else "locked out")
    counter.join()
    print("saved", settle(orders, "SPRING"))


main()
