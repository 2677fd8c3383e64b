"""The Jacobian of the problem `ba` by hand: knows the derivatives of one observation's residuals."""

from typing import Any

import numpy as np

__all__ = ["manual"]


def _turn(m: Any) -> Any:
    """Z of the rotation vector r and of Y, with its derivatives: ``by_y`` (3, 3) and ``by_r`` (3, 3).

    With a = sin(theta) / theta and b = (1 - cos(theta)) / theta^2, Z = cos(theta) Y + a r x Y + b r (r.Y);
    cos, a and b have the derivatives -a, (cos(theta) - a) / theta^2 and (a - 2 b) / theta^2, times r.
    """

    def turn(r, y, z, by_y, by_r):
        square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
        cosine, a, b, slope_a, slope_b = 1.0, 1.0, 0.0, 0.0, 0.0
        if square > 0.0:
            theta = m.sqrt(square)
            cosine = m.cos(theta)
            a = m.sin(theta) / theta
            b = (1.0 - cosine) / square
            slope_a = (cosine - a) / square
            slope_b = (a - 2.0 * b) / square
        along = r[0] * y[0] + r[1] * y[1] + r[2] * y[2]
        for j in range(3):
            k = (j + 1) % 3
            last = (j + 2) % 3
            across = r[k] * y[last] - r[last] * y[k]
            z[j] = cosine * y[j] + a * across + b * r[j] * along
            common = -a * y[j] + slope_a * across + slope_b * r[j] * along
            for i in range(3):
                by_y[j, i] = b * r[j] * r[i]
                by_r[j, i] = r[i] * common + b * r[j] * y[i]
            by_y[j, j] += cosine
            by_y[j, k] -= a * r[last]
            by_y[j, last] += a * r[k]
            by_r[j, j] += b * along
            by_r[j, k] += a * y[last]
            by_r[j, last] -= a * y[k]

    return turn


def _row(m: Any) -> Any:
    """The 15 entries of one residual's row; `side` 0 or 1, `lens` = [f, u0, v0, k1, k2]."""

    def row(out, side, lens, w, z, seen, by_y, by_r):
        inverse = 1.0 / seen[2]
        p0, p1 = seen[0] * inverse, seen[1] * inverse
        own = p0 if side == 0 else p1
        rho = p0 * p0 + p1 * p1
        stretch = 1.0 + rho * (lens[3] + lens[4] * rho)
        slope = 2.0 * own * (lens[3] + 2.0 * lens[4] * rho)
        scale = w * lens[0] * inverse
        # of the residual by Z
        d0 = scale * (slope * p0 + (stretch if side == 0 else 0.0))
        d1 = scale * (slope * p1 + (stretch if side == 1 else 0.0))
        d2 = -(d0 * p0 + d1 * p1)
        for k in range(3):
            out[k] = d0 * by_r[0, k] + d1 * by_r[1, k] + d2 * by_r[2, k]
            moved = d0 * by_y[0, k] + d1 * by_y[1, k] + d2 * by_y[2, k]
            out[3 + k] = -moved
            out[11 + k] = moved
        out[6] = w * stretch * own
        out[7] = w if side == 0 else 0.0
        out[8] = w if side == 1 else 0.0
        out[9] = w * lens[0] * own * rho
        out[10] = out[9] * rho
        out[14] = lens[0] * stretch * own + lens[1 + side] - z

    return row


def manual(m: Any) -> Any:
    """The Jacobian's entries by hand, in the order of the pattern: what a careful user would compile.

    One sweep over the observations, nothing kept between them: the limit that tools are compared with.
    """
    turn, row = _turn(m), _row(m)

    def entries(x, z, camera, place):
        count = len(camera)
        found = np.empty(31 * count)
        y, seen = np.empty(3), np.empty(3)
        by_y, by_r = np.empty((3, 3)), np.empty((3, 3))
        for i in range(count):
            c, p = camera[i], place[i]
            for k in range(3):
                y[k] = x[p + k] - x[c + 3 + k]
            turn(x[c : c + 3], y, seen, by_y, by_r)
            w = x[len(x) - count + i]
            for side in range(2):
                out = found[30 * i + 15 * side : 30 * i + 15 * side + 15]
                row(out, side, x[c + 6 : c + 11], w, z[2 * i + side], seen, by_y, by_r)
            found[30 * count + i] = -2.0 * w
        return found

    return entries
