r"""Hand tracking: the pose of a hand, 22 bones with a skin, fitted to points that were seen on it.

Bones: 0 wrist, 1-4, ..., 17-20 five fingers, 21 forearm. Pose :math:`\vartheta`: a rotation vector,
a translation, and per finger (a, b, c, d), the angles of its bones 2-4: (x = a, z = b), (x = c), (x = d).
With R = Rz Ry Rx of a bone's angles and B its place on its parent,

.. math:: A_i = A_{parent(i)} B_i R_i, \quad S_i = A_i \bar A_i^{-1}, \quad
   v_j = R_g \Big( \sum_i w_{ji} S_i \bar v_j \Big) + t

where :math:`\bar A` is A at angles zero and :math:`R_g` turns by Rodrigues' formula (:math:`v + r \times v`
at angle 0). Residuals: y_i minus the vertex that belongs to it, 3 N numbers of 26 variables. The
complicated variant has for each y_i a triangle (a, b, c) and two variables more: y_i minus
:math:`u_1 V_a + u_2 V_b + (1 - u_1 - u_2) V_c`. It is a function of 26 + 2 N variables with a sparse
Jacobian, 28 numbers a row: columns u_1 of all residuals share a colour, columns u_2 another, and these
two and the 26 of the pose are the 28 columns of the compressed matrix that ADBench has.

Source: ``docs/PROBLEMS.md`` D, after ADBench (F. Srajer, Z. Kukelova and A. Fitzgibbon, Optimization
Methods and Software 33, 2018, 889) and the model of J. Taylor et al., CVPR 2014, 644. In the suite
because it is a real program: small matrices, a tree, gathers; 26 variables, many outputs.
"""

from typing import Any

from adbench.model import Form, Operator, Problem
from adbench.problems._hand import at, restrict


def _skeleton(m: Any) -> Any:
    def skeleton(x, base, inverse):
        placed = m.zeros(264)
        skin = m.zeros(264)
        here = m.zeros(12)
        for i in range(22):
            k = (i - 1) % 4
            at = 6 + 4 * ((i - 1) // 4)
            for row in range(0, 12, 4):
                for column in range(4):
                    here[row + column] = base[i][row + column]
            if 0 < i < 21 and k > 0:
                angle = x[at] if k == 1 else x[at + k]
                ca = m.cos(angle)
                sa = m.sin(angle)
                for row in range(0, 12, 4):
                    if k == 1:
                        cb = m.cos(x[at + 1])
                        sb = m.sin(x[at + 1])
                        h0 = here[row]
                        here[row] = h0 * cb + here[row + 1] * sb
                        here[row + 1] = here[row + 1] * cb - h0 * sb
                    h1 = here[row + 1]
                    here[row + 1] = h1 * ca + here[row + 2] * sa
                    here[row + 2] = here[row + 2] * ca - h1 * sa
            parent = 0 if i % 4 == 1 else 12 * (i - 1)
            for row in range(0, 12, 4):
                for column in range(4):
                    if i == 0:
                        placed[row + column] = here[row + column]
                    else:
                        a = parent + row
                        sum_of_three = (
                            placed[a] * here[column]
                            + placed[a + 1] * here[4 + column]
                            + placed[a + 2] * here[8 + column]
                        )
                        if column == 3:
                            sum_of_three = sum_of_three + placed[a + 3]
                        placed[12 * i + row + column] = sum_of_three
            for row in range(0, 12, 4):
                for column in range(4):
                    a = 12 * i + row
                    sum_of_three = (
                        placed[a] * inverse[i][column]
                        + placed[a + 1] * inverse[i][4 + column]
                        + placed[a + 2] * inverse[i][8 + column]
                    )
                    if column == 3:
                        sum_of_three = sum_of_three + placed[a + 3]
                    skin[a + column] = sum_of_three
        return skin

    return skeleton


def _turn(m: Any) -> Any:
    def turn(r0, r1, r2):
        square = r0 * r0 + r1 * r1 + r2 * r2
        matrix = m.zeros(9)
        if square > 0.0:
            theta = m.sqrt(square)
            cosine = m.cos(theta)
            sine = m.sin(theta) / theta
            along = (1.0 - cosine) / square
            matrix[0] = cosine + r0 * r0 * along
            matrix[1] = r0 * r1 * along - r2 * sine
            matrix[2] = r0 * r2 * along + r1 * sine
            matrix[3] = r0 * r1 * along + r2 * sine
            matrix[4] = cosine + r1 * r1 * along
            matrix[5] = r1 * r2 * along - r0 * sine
            matrix[6] = r0 * r2 * along - r1 * sine
            matrix[7] = r1 * r2 * along + r0 * sine
            matrix[8] = cosine + r2 * r2 * along
        else:
            matrix[0] = 1.0
            matrix[1] = -r2
            matrix[2] = r1
            matrix[3] = r2
            matrix[4] = 1.0
            matrix[5] = -r0
            matrix[6] = -r1
            matrix[7] = r0
            matrix[8] = 1.0
        return matrix

    return turn


def scalar(m: Any) -> Any:
    skeleton, turn = _skeleton(m), _turn(m)

    def vertex(place, skin, v, bone, weight):
        for row in range(3):
            a = 12 * bone[0] + 4 * row
            b = 12 * bone[1] + 4 * row
            first = skin[a] * v[0] + skin[a + 1] * v[1] + skin[a + 2] * v[2] + skin[a + 3]
            second = skin[b] * v[0] + skin[b + 1] * v[1] + skin[b + 2] * v[2] + skin[b + 3]
            place[row] = weight[0] * first + weight[1] * second

    def f(x, y, corr, base, inverse, vbar, bones, weights):
        skin = skeleton(x, base, inverse)
        matrix = turn(x[0], x[1], x[2])
        residual = m.zeros(3 * len(y))
        p = m.zeros(3)
        second = m.zeros(3)
        third = m.zeros(3)
        for i in range(len(y)):
            j = corr[i][0]
            vertex(p, skin, vbar[j], bones[j], weights[j])
            if len(x) > 26:
                j = corr[i][1]
                vertex(second, skin, vbar[j], bones[j], weights[j])
                j = corr[i][2]
                vertex(third, skin, vbar[j], bones[j], weights[j])
                u1 = x[26 + 2 * i]
                u2 = x[27 + 2 * i]
                u3 = 1.0 - u1 - u2
                # the shares add up to 1, so that the pose may come after them
                for row in range(3):
                    p[row] = u1 * p[row] + u2 * second[row] + u3 * third[row]
            for row in range(3):
                q = matrix[3 * row] * p[0] + matrix[3 * row + 1] * p[1] + matrix[3 * row + 2] * p[2]
                residual[3 * i + row] = y[i][row] - (q + x[3 + row])
        return residual

    return f


def array(xp: Any) -> Any:
    def turn(r):
        square = xp.sum(r * r)
        some = square > 0.0
        # the root of 0 has no slope: it is never taken
        theta = xp.sqrt(xp.where(some, square, 1.0))
        c = xp.where(some, xp.cos(theta), 1.0)
        s = xp.where(some, xp.sin(theta) / theta, 1.0) * r
        o = r[:, None] * r[None, :] * ((1.0 - c) / (theta * theta))
        entries = [
            *(o[0, 0] + c, o[0, 1] - s[2], o[0, 2] + s[1]),
            *(o[1, 0] + s[2], o[1, 1] + c, o[1, 2] - s[0]),
            *(o[2, 0] - s[1], o[2, 1] + s[0], o[2, 2] + c),
        ]
        return xp.reshape(xp.stack(entries), (3, 3))

    def bent(a, b):
        """Rz(b) Rx(a) for each finger."""
        ca, sa, cb, sb = xp.cos(a), xp.sin(a), xp.cos(b), xp.sin(b)
        rows = [cb, -sb * ca, sb * sa, sb, cb * ca, -cb * sa, 0.0 * a, sa, ca]
        return xp.reshape(xp.stack(rows, axis=1), (5, 3, 3))

    def skeleton(angles, base, inverse):
        fingers = xp.reshape(base[1:21], (5, 4, 3, 4))
        rotation = base[:1, :, :3] @ fingers[:, 0, :, :3]
        origin = base[:1, :, :3] @ fingers[:, 0, :, 3:] + base[:1, :, 3:]
        rotations, origins = [rotation], [origin]
        still = 0.0 * angles[:, 0]
        for k in range(1, 4):
            turned = bent(angles[:, 0], angles[:, 1]) if k == 1 else bent(angles[:, k], still)
            origin = rotation @ fingers[:, k, :, 3:] + origin
            rotation = rotation @ (fingers[:, k, :, :3] @ turned)
            rotations = [*rotations, rotation]
            origins = [*origins, origin]
        forearm = base[:1, :, :3] @ base[21:]
        of_fingers = xp.reshape(xp.stack(rotations, axis=1), (20, 3, 3))
        at_fingers = xp.reshape(xp.stack(origins, axis=1), (20, 3, 1))
        turned = xp.concatenate([base[:1, :, :3], of_fingers, forearm[:, :, :3]], axis=0)
        at_forearm = forearm[:, :, 3:] + base[:1, :, 3:]
        moved = xp.concatenate([base[:1, :, 3:], at_fingers, at_forearm], axis=0)
        return turned @ inverse[:, :, :3], turned @ inverse[:, :, 3:] + moved

    def f(x, y, corr, base, inverse, vbar, bones, weights):
        count, corners = corr.shape
        base, inverse = xp.reshape(base, (22, 3, 4)), xp.reshape(inverse, (22, 3, 4))
        rotations, origins = skeleton(xp.reshape(x[6:26], (5, 4)), base, inverse)
        skin = xp.reshape(xp.concatenate([rotations, origins], axis=2), (22, 12))
        shares = xp.reshape(weights[corr], (count, corners, 2, 1))
        blended = xp.sum(skin[bones[corr]] * shares, axis=2)
        blended = xp.reshape(blended, (count, corners, 3, 4))
        v = xp.reshape(vbar[corr], (count, corners, 1, 3))
        p = xp.sum(blended[:, :, :, :3] * v, axis=3) + blended[:, :, :, 3]
        if corners == 3:
            u1, u2 = x[26::2], x[27::2]
            u = xp.reshape(xp.stack([u1, u2, 1.0 - u1 - u2], axis=1), (count, 3, 1))
            # the shares add up to 1, so that the pose may come after them
            p = xp.sum(p * u, axis=1)
        else:
            p = p[:, 0]
        q = p @ xp.transpose(turn(x[:3])) + x[3:6]
        return xp.reshape(y - q, (3 * count,))

    return f


PROBLEM = Problem(
    name="ht",
    summary="hand tracking: 26 variables of a pose, many residuals, a dense or a compressed Jacobian",
    at=at,
    sizes=((544, 100), (10_000, 1_000)),
    operators=(Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP),
    forms=(Form("scalar", scalar), Form("array", array)),
    restrict=restrict,
)
