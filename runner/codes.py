"""The code of every problem. `runner.problems` has their meanings, which few commands need to load."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Code: TypeAlias = Literal[
    "ambiguous-scalar", "app-info", "asset-invalid", "asset-missing", "assets-not-found", "attachment-filename",
    "attachment-ignore", "attachment-url", "attachments-without-key", "bad-pattern", "bad-schema", "bad-value",
    "base-url", "bug", "case-mismatch", "case-not-found", "case-passed", "cassette-changed", "cassette-drift",
    "cassette-empty", "cassette-expired", "cassette-leak", "cassette-missing", "cassette-orphan", "cassette-unplayed",
    "cassette-unreadable", "cassette-unrecorded", "cluster-lost", "cluster-open", "cluster-worker", "concurrency",
    "condition-variable", "confirm", "conflicting-keys", "constant-key", "credentials-invalid", "credentials-missing",
    "credentials-refused", "directive", "distinct-id", "duplicate-case", "duplicate-key", "empty-file",
    "env-not-allowed", "event-name", "event-not-expected", "event-schema", "event-time", "event-too-large",
    "export-invalid", "expression-variable", "extends-cycle", "file-exists", "file-not-found", "file-too-large",
    "file-unreadable", "format-refused", "idempotency-key", "import-source", "insecure-url", "insert-id", "interrupted",
    "json-syntax", "label-not-found", "ledger-gone", "ledger-locked", "ledger-refused", "let-cycle", "machine-refused",
    "matcher-misplaced", "matcher-not-alone", "max-event-kb", "message-failed", "message-missing", "message-unexpected",
    "missing-key", "network-blocked", "no-answer", "no-case", "no-connection", "no-description", "no-message",
    "no-specs", "not-a-spec", "not-finite", "not-sent", "not-utf8", "number-too-large", "output-refused",
    "path-outside", "personal-data-in-key", "port-taken", "profile-not-found", "property-depth", "property-type",
    "rate-limited", "refused", "reserved-name", "retries", "row-columns", "row-json", "row-origin", "row-quotes",
    "row-too-large", "rows-changed", "rows-differ", "rows-format", "rows-gone", "rows-header", "rows-partition",
    "rows-query", "rows-syntax", "rows-too-large", "run-changed", "run-locked", "run-not-found", "run-too-old",
    "sandbox-database", "schema-too-large", "schema-violation", "secret-too-short", "secret-transformed",
    "spec-changed", "stale-asset", "stale-schema", "template-comparison", "template-condition", "template-datetime",
    "template-failed", "template-forbidden", "template-no-else", "template-not-rendered", "template-not-text",
    "template-null", "template-set-lost", "template-syntax", "template-too-large", "template-too-slow", "template-type",
    "template-undefined", "template-unknown-filter", "template-unknown-function", "template-unknown-method",
    "template-unknown-test", "template-unquoted", "template-unread", "template-variable", "tenant-id", "tenant-twice",
    "test-data-unknown", "timeout", "too-many-problems", "unclear-answer", "unformatted", "unheard-event", "unicode",
    "unknown-column", "unknown-event", "unknown-key", "unknown-matcher", "unknown-variable", "unused-ignore", "unused-label",
    "unused-let", "unused-variable", "usage", "var-missing", "var-schema", "var-type", "worker-died",
    "workflow-command", "workflow-coverage", "workflow-invalid", "workflow-unmodelled", "wrong-type", "yaml-alias",
    "yaml-depth", "yaml-document", "yaml-key", "yaml-merge-key", "yaml-size", "yaml-syntax", "yaml-tag",
    "yaml-unsupported",
]  # fmt: skip
"""Codes are stable: scripts and cases compare with them."""
CODES: tuple[Code, ...] = get_args(Code)
