"""Does the privacy account again with software that is not ours: accountant.py FILE, the JSON of `ldsp-node privacy`.

PyPI dp-accounting composes the tables' Gaussian noise by Renyi divergences and by privacy loss distributions; the filter is made
again from exact fractions. Nothing of this project's arithmetic is used.
"""

import json
import math
import sys
from fractions import Fraction

import numpy as np
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from scipy.stats import norm

from check import check, finish

# Dense enough that the best of them is as good as the best real order, to four digits.
ORDERS = [1 + 10**k for k in np.linspace(-3, 3, 3001)]
MICRO = 1e-6


def filter_again(horizon: int) -> list[int]:
    """binomial(2k, k) / 4^k on the grid 2^-16, rounded half up."""
    exact = (Fraction(math.comb(2 * k, k), 4**k) for k in range(horizon))
    return [math.floor(c * 2**16 + Fraction(1, 2)) for c in exact]


def correction_again(c: list[int], out_of: int) -> int:
    """The dearest pair of months of a correction, by matrix. out_of 2: an enrolment is taken out of one cell and put into another;
    4: the same against the opposite correction, for one cell of the two."""
    n = len(c)
    matrix = np.array([[c[t - s] if t >= s else 0 for s in range(n)] for t in range(n)], dtype=object)
    squares = matrix.T.dot(matrix)
    worst = max(squares[s, s] + out_of * (squares[r, r] - squares[s, r]) for s in range(n) for r in range(s + 1, n))
    return -(-worst * 10**6 // squares[0, 0])


def gaussians(tables: list[dict], energy: int) -> dp_event.DpEvent:
    """Every table as the Gaussian mechanism that it is: sensitivity sqrt(energy), variance sigma^2."""
    return dp_event.ComposedDpEvent([dp_event.GaussianDpEvent(math.sqrt(t["sigma2"] / energy)) for t in tables])


def renyi(event: dp_event.DpEvent, delta: float) -> float:
    return RdpAccountant(orders=ORDERS).compose(event).get_epsilon(delta)


def close(ours: float, theirs: float, relative: float) -> bool:
    return abs(ours - theirs) <= relative * abs(theirs)


def main(file: str) -> None:
    account = json.load(open(file))
    tables, energy = account["tables"], account["energy"]
    meaning = {m["of"]: m for m in account["meanings"]}

    c = filter_again(account["horizon"])
    check("the filter's energy is that of the exact binomials", energy == sum(v * v for v in c))
    check("a correction costs what the filter's matrix says", account["correction_micro"] == correction_again(c, 2))
    opposite = account["attribute_correction_micro"] == correction_again(c, 4)
    check("two opposite corrections are apart by what the filter's matrix says", opposite)
    sigmas = [-(-energy * 10**6 // (2 * t["rho_micro"])) for t in tables]
    check("every table's variance is energy / (2 rho), rounded up", [t["sigma2"] for t in tables] == sigmas)
    whole = account["enrolment"]["whole_micro"]
    check("the tables' budgets add up to an enrolment's", whole == sum(t["rho_micro"] for t in tables))

    one = meaning["enrolment"]
    theirs = renyi(gaussians(tables, energy), one["delta"])
    check(f"epsilon of the composed tables: {one['epsilon']:.4f}, dp-accounting {theirs:.4f}", close(one["epsilon"], theirs, 1e-4))
    doubled = renyi(gaussians(tables + tables, energy), one["delta"])
    check("a doubled budget would be noticed", not close(one["epsilon"], doubled, 1e-2))
    for m in meaning.values():
        name, rho = m["of"], m["rho_micro"] * MICRO
        zcdp = renyi(dp_event.ZCDpEvent(rho), m["delta"])
        check(f"{name}: epsilon of rho = {rho:g} is dp-accounting's for zCDP", close(m["epsilon"], zcdp, 1e-4))
        closed = rho + 2 * math.sqrt(rho * math.log(1 / m["delta"]))
        check(f"{name}: the closed form is never below", close(m["epsilon_closed_form"], closed, 1e-12) and closed >= m["epsilon"])
        mu = math.sqrt(2 * rho)
        loss = PLDAccountant().compose(dp_event.GaussianDpEvent(1 / mu))
        check(f"{name}: the exact privacy loss is within the stated epsilon", loss.get_epsilon(m["delta"]) <= m["epsilon"])
        # The distance of the two distributions in total variation is delta at epsilon 0; the best guess is right in half of all cases and half of that.
        right = (1 + loss.get_delta(0.0)) / 2
        check(f"{name}: right guesses {m['right_guess']:.4%}, dp-accounting {right:.4%}", abs(m["right_guess"] - right) < 1e-5)
        tenfold = norm.sf(math.log(10), loc=mu**2 / 2, scale=mu)
        check(f"{name}: tenfold likelihood {m['tenfold']:.4%}, scipy {tenfold:.4%}", close(m["tenfold"], tenfold, 1e-9))

    worst = meaning["attribute"]
    held = max(a["most_micro"] for a in account["attributes"])
    check("the worst attribute is the one that is shown", worst["rho_micro"] == held <= account["attributes"][0]["limit_micro"])
    if account["epoch"] == 1:
        check("an attribute: at most 65.6 % right guesses, tenfold in at most 0.7 %", worst["right_guess"] <= 0.656 and worst["tenfold"] <= 0.007)


if __name__ == "__main__":
    main(sys.argv[1])
    finish()
