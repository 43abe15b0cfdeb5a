"""bytes, bytearray, memoryview and array, changed in place."""

from array import array


def edit():
    data = b"abc" + bytes([0, 255])
    buffer = bytearray(data)
    buffer[0] = 65
    buffer += b"!"
    buffer[1:3] = b"xyz"
    del buffer[-1]
    view = memoryview(buffer)
    view[2] = 33
    part = bytes(view[1:4])
    view.release()
    buffer.append(7)
    numbers = array("i", [1, 2, 3])
    numbers[1] = 20
    numbers.append(4)
    return data, bytes(buffer), part, numbers.tolist()


print(edit())
