"""Bytes being read: the numbers and texts everything else is made of."""

import struct


class Damaged(Exception):
    """The bytes are not what the format allows."""


class Cursor:
    """A place in some bytes. Reading past their end, or a number too long, is damage."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Damaged(f"{size} bytes wanted at byte {self.at}, {self.left} are there")
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return struct.unpack("<I", self.take(4))[0]

    def u64(self) -> int:
        return struct.unpack("<Q", self.take(8))[0]

    def varint(self) -> int:
        value = 0
        for place in range(10):
            byte = self.u8()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                break
        else:
            raise Damaged(f"a number of more than 10 bytes before byte {self.at}")
        if value >= 1 << 64:
            raise Damaged(f"a number of more than 64 bits before byte {self.at}")
        return value

    def zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self) -> bytes:
        return self.take(self.varint())

    def count(self) -> int:
        """How many things follow that take at least a byte each."""
        count = self.varint()
        if count > self.left:
            raise Damaged(f"{count} things in {self.left} bytes")
        return count


def text_of(wtf8: bytes) -> str:
    """The characters of a text, lone surrogates among them."""
    return wtf8.decode("utf-8", "surrogatepass")
