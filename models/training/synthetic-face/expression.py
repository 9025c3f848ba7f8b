"""What is kept of a face besides its pose: six numbers, linear in the frontal shape, and how each moves the points."""
import numpy as np

from geometry import LANDMARKS, all_points, extra_points

NAMES = ("mouth opening", "mouth width", "lift of the mouth's corners", "left eye's opening", "right eye's opening", "lift of the brows")


def measures():
    """[6, 68, 2]: each number is the sum of its weights times the points' coordinates."""
    m = np.zeros((6, LANDMARKS, 2))
    m[0, [65, 66, 67], 1], m[0, [61, 62, 63], 1] = 1 / 3, -1 / 3
    m[1, 54, 0], m[1, 48, 0] = 1, -1
    m[2, [51, 57, 62, 66], 1], m[2, [48, 54], 1] = 1 / 4, -1 / 2
    m[3, [40, 41], 1], m[3, [37, 38], 1] = 1 / 2, -1 / 2
    m[4, [46, 47], 1], m[4, [43, 44], 1] = 1 / 2, -1 / 2
    m[5, 36:48, 1], m[5, 17:27, 1] = 1 / 12, -1 / 10
    return m


def movements():
    """[6, all points, 2], such that moving along one changes its own number by 1 and no other."""
    e = np.zeros((6, LANDMARKS, 2))
    for weight, points in (
        (0.75, [65, 66, 67, 56, 57, 58]), (-0.25, [61, 62, 63, 50, 51, 52]), (0.4, [55, 59]), (-0.1, [49, 53]),
        (0.2, [48, 54, 60, 64]), (0.7, [7, 8, 9]), (0.55, [6, 10]), (0.35, [5, 11]), (0.15, [4, 12]),
    ):
        e[0, points, 1] = weight
    for left, right, weight in (
        (48, 54, 0.5), (49, 53, 0.33), (50, 52, 0.14), (59, 55, 0.33), (58, 56, 0.15), (60, 64, 0.45), (61, 63, 0.16), (67, 65, 0.16),
    ):
        e[1, left, 0], e[1, right, 0] = -weight, weight
    for weight, points in ((-1, [48, 54]), (-0.9, [60, 64]), (-0.45, [49, 53, 55, 59]), (-0.1, [50, 52, 56, 58, 61, 63, 65, 67])):
        e[2, points, 1] = weight
    for k, upper, lower in ((3, [37, 38], [40, 41]), (4, [43, 44], [46, 47])):
        e[k, upper, 1], e[k, lower, 1] = -0.75, 0.25
    e[5, 17:27, 1] = -1
    cross = np.einsum("ipc,jpc->ij", measures(), e)
    e = np.einsum("ij,jpc->ipc", np.linalg.inv(cross).T, e)
    # Cheeks and forehead follow as they do from the points; the hairline and the pupils stay.
    extra = extra_points(e)
    extra[:, :-6] = 0
    extra[:, -2:] = 0
    return np.concatenate([e, extra], 1)
