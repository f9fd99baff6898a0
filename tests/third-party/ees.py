"""Holds a data file and its meta file to the rules of explore education statistics: `ees.py DATA META LEPS DISTRICTS`.

Written from the Department for Education's guidance on open data (analysts' guide, "Open data standards") and nothing of this project; the names
of places are the only thing it takes from here. Files with planted flaws have to fail, so that a check that lets everything pass shows.
"""

import csv
import io
import re
import sys

META = ["col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "indicator_dp", "filter_hint", "filter_grouping_column"]
SYMBOLS = {"z", "x", "c", "low", "u"}
UNITS = {"", "£", "£m", "%", "pp", "numberstring"}
LEVELS = {
    "National": ("country_code", "country_name"),
    "Local authority district": ("lad_code", "lad_name"),
    "Local enterprise partnership": ("local_enterprise_partnership_code", "local_enterprise_partnership_name"),
}
FIXED = {"time_period", "time_identifier", "geographic_level"} | {name for pair in LEVELS.values() for name in pair}


def table(text):
    rows = list(csv.reader(io.StringIO(text)))
    header, rows = rows[0], rows[1:]
    if len(set(header)) != len(header) or any(not re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in header):
        raise ValueError("column names")
    if any(len(row) != len(header) for row in rows):
        raise ValueError("a ragged row")
    return header, [dict(zip(header, row)) for row in rows]


def columns(meta, header):
    """Filters and indicators, of a meta file that fits the header of the data file."""
    names, rows = table(meta)
    if not set(META) <= set(names):
        raise ValueError("meta columns")
    filters, indicators = [], []
    for row in rows:
        if row["col_name"] not in header or row["col_name"] in FIXED or not row["label"]:
            raise ValueError("meta row")
        if row["col_type"] == "Filter":
            if row["indicator_unit"] or row["indicator_dp"] or row["indicator_grouping"]:
                raise ValueError("filter with a unit")
            filters.append(row["col_name"])
        elif row["col_type"] == "Indicator":
            if row["indicator_unit"] not in UNITS or not re.fullmatch(r"\d?", row["indicator_dp"]):
                raise ValueError("indicator")
            if row["filter_hint"] or row["filter_grouping_column"]:
                raise ValueError("indicator with a hint")
            indicators.append(row["col_name"])
        else:
            raise ValueError("col_type")
    described = [row["col_name"] for row in rows]
    if len(set(described)) != len(described) or set(header) - FIXED != set(described):
        raise ValueError("columns that the meta file does not describe")
    if not filters or not indicators:
        raise ValueError("no filter or no indicator")
    return filters, indicators


def screen(data, meta, places):
    """Raises ValueError at what the rules forbid."""
    header, rows = table(data)
    if not {"time_period", "time_identifier", "geographic_level", "country_code", "country_name"} <= set(header):
        raise ValueError("mandatory columns")
    filters, indicators = columns(meta, header)
    seen = set()
    for row in rows:
        period = row["time_period"]
        if row["time_identifier"] != "Academic year" or not re.fullmatch(r"\d{6}", period):
            raise ValueError("time")
        if (int(period[:4]) + 1) % 100 != int(period[4:]):
            raise ValueError("years that do not follow one another")
        if (row["country_code"], row["country_name"]) != ("E92000001", "England"):
            raise ValueError("country")
        if row["geographic_level"] not in LEVELS:
            raise ValueError("level")
        code, name = (row.get(column, "") for column in LEVELS[row["geographic_level"]])
        if places.get(code) != name:
            raise ValueError("place")
        for level, pair in LEVELS.items():
            if level not in ("National", row["geographic_level"]) and any(row.get(column) for column in pair):
                raise ValueError("a place of another level")
        if any(not row[column] for column in filters):
            raise ValueError("a blank filter")
        for column in indicators:
            if row[column] not in SYMBOLS and not re.fullmatch(r"-?\d+(\.\d+)?", row[column]):
                raise ValueError("indicator value")
        key = (period, code, *(row[column] for column in filters))
        if key in seen:
            raise ValueError("a row twice")
        seen.add(key)
    for column in filters:
        if "Total" not in {row[column] for row in rows}:
            raise ValueError("a filter without its total")
    if not rows:
        raise ValueError("no rows")


def passes(data, meta, places):
    try:
        screen(data, meta, places)
    except ValueError:
        return False
    return True


def main():
    data, meta = (open(path, encoding="utf-8").read() for path in sys.argv[1:3])
    places = {"E92000001": "England"}
    for path in sys.argv[3:5]:
        with open(path, encoding="utf-8") as file:
            places |= {row["code"]: row["name"] for row in csv.DictReader(file)}
    screen(data, meta, places)
    print("ok a file for the panel keeps the rules of explore education statistics")
    last = data.rstrip("\n").split("\n")[-1]
    flaws = {
        "a row twice": (data + last + "\n", meta),
        "a blank number": (data.replace(last, last.rsplit(",", 1)[0] + ","), meta),
        "a dash for a number": (data.replace(last, last.rsplit(",", 1)[0] + ",-"), meta),
        "another spelling of the level": (data.replace("Local enterprise partnership", "Local Enterprise Partnership"), meta),
        "another LEP's name": (data.replace("Black Country", "Tees Valley"), meta),
        "years that do not follow one another": (data.replace("202223", "202224"), meta),
        "a column that is not described": (data, "\n".join(meta.split("\n")[:1] + meta.split("\n")[2:])),
        "a filter with a unit": (data, meta.replace("Tier of skills,,,", "Tier of skills,,%,")),
        "no total": (data.replace(",Total,", ",All,"), meta),
    }
    for name, (bad_data, bad_meta) in flaws.items():
        changed = (bad_data, bad_meta) != (data, meta)
        print(f"{'ok' if changed and not passes(bad_data, bad_meta, places) else 'not ok'} refused: {name}")


try:
    main()
except (ValueError, OSError, KeyError) as error:
    print(f"not ok a file for the panel: {error}")
