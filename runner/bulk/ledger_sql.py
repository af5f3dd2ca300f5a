"""The ledger's tables, and every statement that reads or writes them.

A change of `SCHEMA` needs a new `VERSION`: ledgers of another version are refused. `record.RunRecord` has a run's columns.
"""

VERSION = 4
SCHEMA = (
    # Paths are absolute and stored as bytes. Later runs have larger numbers.
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL DEFAULT 'running',
        total INTEGER,
        accepted INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        unknown INTEGER NOT NULL DEFAULT 0,
        not_sent INTEGER NOT NULL DEFAULT 0,
        in_flight INTEGER NOT NULL DEFAULT 0,
        started_at TEXT NOT NULL,
        seed TEXT NOT NULL,
        spec BLOB NOT NULL,
        rows BLOB NOT NULL,
        arguments TEXT NOT NULL,
        fingerprints TEXT NOT NULL,
        parent TEXT,
        parent_session INTEGER NOT NULL,
        sessions INTEGER NOT NULL DEFAULT 1
    )
    """,
    # open_rows, the rows that are unknown or not sent, is set when the part is done. measures has a line for each time that
    # it was sent: `measures.py` writes and reads them.
    """
    CREATE TABLE parts (
        run INTEGER NOT NULL,
        first_row INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        digest TEXT NOT NULL,
        open_rows INTEGER,
        measures TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run, first_row)
    ) WITHOUT ROWID
    """,
    # The rows that were not accepted: `outcomes.RowOutcome` has the columns.
    """
    CREATE TABLE exceptions (
        run INTEGER NOT NULL,
        row INTEGER NOT NULL,
        line INTEGER NOT NULL,
        state TEXT NOT NULL,
        code TEXT NOT NULL,
        status_code INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        variable TEXT NOT NULL,
        session INTEGER NOT NULL,
        PRIMARY KEY (run, row)
    ) WITHOUT ROWID
    """,
    # Where the rows of each file begin, for runs over several files, as far as they were read.
    """
    CREATE TABLE files (
        run INTEGER NOT NULL,
        first_row INTEGER NOT NULL,
        path BLOB NOT NULL,
        PRIMARY KEY (run, first_row)
    ) WITHOUT ROWID
    """,
)
INSERT_RUN = """
    INSERT INTO runs (id, started_at, seed, spec, rows, arguments, fingerprints, parent, parent_session)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
RESUME_RUN = "UPDATE runs SET state = 'running', sessions = sessions + 1 WHERE id = ?"
END_RUN = "UPDATE runs SET state = ?, total = ? WHERE number = ?"
RUN = """
    SELECT id, started_at, seed, spec, rows, arguments, fingerprints, parent, parent_session FROM runs WHERE id = ?
"""
SUMMARIES = """
    SELECT id, spec, rows, state, started_at, total, accepted, failed, unknown, not_sent, in_flight, parent
    FROM runs ORDER BY number DESC
"""
RUN_IDS = "SELECT id, started_at FROM runs ORDER BY number DESC"
COUNTS = "SELECT sessions, accepted, failed, unknown, not_sent, in_flight FROM runs WHERE number = ?"
ADD_COUNTS = """
    UPDATE runs SET
        accepted = accepted + :accepted,
        failed = failed + :failed,
        unknown = unknown + :unknown,
        not_sent = not_sent + :not_sent,
        in_flight = in_flight + :in_flight
    WHERE number = :number
"""
LAST_ROW = "SELECT first_row + rows - 1 FROM parts WHERE run = ? ORDER BY first_row DESC LIMIT 1"
FAILURE_KINDS = "SELECT DISTINCT state, code, attempts > 0 FROM exceptions WHERE run = ?"
PARTS_IN_FLIGHT = "SELECT first_row, rows FROM parts WHERE run = ? AND open_rows IS NULL ORDER BY first_row"
INSERT_PART = "INSERT INTO parts (run, first_row, rows, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
FINISH_PART = "UPDATE parts SET open_rows = ?, measures = measures || ? WHERE run = ? AND first_row = ?"
PARTS = "SELECT first_row, rows, digest FROM parts WHERE run = ? ORDER BY first_row"
MEASURES = "SELECT first_row, measures FROM parts WHERE run = ? AND first_row > ? ORDER BY first_row LIMIT ?"
PART = "SELECT digest, rows, open_rows FROM parts WHERE run = ? AND first_row = ?"
INSERT_FILE = "INSERT INTO files VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET path = excluded.path"
FILES = "SELECT first_row, path FROM files WHERE run = ? ORDER BY first_row"
INSERT_ROW = "INSERT INTO exceptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DELETE_ROW = "DELETE FROM exceptions WHERE run = ? AND row = ?"
_ROW = "SELECT row, line, state, code, status_code, attempts, origin, variable FROM exceptions WHERE run = ?"
ROWS_AMONG = f"{_ROW} AND row >= ? AND row < ?"
OPEN_ROWS = f"{ROWS_AMONG} AND state != 'failed'"
NOT_SENT_ROWS = f"{ROWS_AMONG} AND state = 'not_sent'"
MARK_UNKNOWN = """
    UPDATE exceptions SET state = 'unknown', code = ?
    WHERE run = ? AND row >= ? AND row < ? AND state = 'not_sent'
"""
ROWS_FAILED_AFTER = "SELECT row, origin FROM exceptions WHERE run = ? AND state = 'failed' AND session > ?"
ROWS_IN_STATE = f"{_ROW} AND row > ? AND state = ? ORDER BY row LIMIT ?"
ROWS = f"{_ROW} AND row > ? ORDER BY row LIMIT ?"
