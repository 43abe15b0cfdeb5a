"""C code that works on what the line does not name: bound methods, and views of memory."""

items = []
push = items.append
push(1)
push(2)
memory = bytearray(b"abcdef")
view = memoryview(memory)
view[0:2] = b"zz"
view[3] = 65
first = len(items)


def use(method, value):
    method(value)
    return value


def write(part):
    part[0] = 66
    return part


log = []
use(log.append, "a")
use({}.setdefault, "a")
bound = [log.append, log.extend]
bound[0]("b")
bound[1]("cd")
write(view[4:])
last = len(log)
