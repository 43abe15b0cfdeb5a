"""Floats in object attributes: five bodies under gravity."""

import sys


class Body:
    def __init__(self, x, y, z, vx, vy, vz, mass):
        self.x = x
        self.y = y
        self.z = z
        self.vx = vx
        self.vy = vy
        self.vz = vz
        self.mass = mass


def energy(bodies):
    total = 0.0
    for body in bodies:
        total += body.mass * (body.vx**2 + body.vy**2 + body.vz**2) / 2.0
    return total


def main(scale):
    bodies = [
        Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47),
        Body(4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037),
        Body(8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011),
        Body(12.89, -15.11, -0.22, 1.08, 0.86, -0.010, 0.0017),
        Body(15.37, -25.91, 0.17, 0.97, 0.59, -0.034, 0.0020),
    ]
    count = len(bodies)
    dt = 0.01
    for _step in range(int(9_050 * scale)):
        for i in range(count):
            first = bodies[i]
            mass = first.mass
            for j in range(i + 1, count):
                second = bodies[j]
                dx = first.x - second.x
                dy = first.y - second.y
                dz = first.z - second.z
                square = dx * dx + dy * dy + dz * dz
                force = dt / (square * square**0.5)
                pull = second.mass * force
                push = mass * force
                first.vx -= dx * pull
                first.vy -= dy * pull
                first.vz -= dz * pull
                second.vx += dx * push
                second.vy += dy * push
                second.vz += dz * push
            first.x += dt * first.vx
            first.y += dt * first.vy
            first.z += dt * first.vz
    return energy(bodies)


if __name__ == "__main__":
    print("nbody", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
