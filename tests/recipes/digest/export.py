"""Write the rows of a day into a file: all of them, or no file."""

import os
import sys
from pathlib import Path

import duckdb

day, path = sys.argv[1], Path(sys.argv[2])
with duckdb.connect("warehouse.duckdb", read_only=True) as warehouse:
    rows = warehouse.sql(Path("digest.sql").read_text("utf-8"), params={"day": day})
    if not len(rows):
        sys.exit(f"no rows on {day}: is the warehouse loaded?")
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    rows.write_csv(str(unfinished))
    unfinished.replace(path)
