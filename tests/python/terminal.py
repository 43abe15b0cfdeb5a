"""A pseudo terminal at which a program runs and a test types."""

import os
import pty
import threading

END = b"\0the program has ended\0"


class Terminal:
    """The program gets `slave`; what it shows is gathered in `shown`, a `bytearray`.

    The test keeps its own hold on `slave`: when the last one goes, what was written just before
    can be lost. So the end is not told by a hangup but by a mark that the test writes behind all
    that the program wrote.
    """

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.shown = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.close(self.master)
        os.close(self.slave)

    def read_until(self, text):
        while text not in self.shown:
            self.shown += os.read(self.master, 4096)

    def type(self, text):
        os.write(self.master, text)

    def read_to_the_end(self, process):
        """All that was shown, as bytes with bare newlines, once `process` (a `Popen`) has ended."""
        waiter = threading.Thread(target=lambda: (process.wait(), os.write(self.slave, END)))
        waiter.start()
        self.read_until(END)
        waiter.join()
        return bytes(self.shown).removesuffix(END).replace(b"\r\n", b"\n")
