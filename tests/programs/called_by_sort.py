"""A key function leads elsewhere what is sorted."""

class H:
    def __init__(self):
        self.buf = [2, 1]
        self.sent = []
    def key(self, q):
        if self.buf is not None: self.sent.append(self.buf)
        self.buf = None
        return q
def main():
    h = H()
    h.buf.sort(key=h.key)
    x = 1
    return x
main()
