"""The packages of `runner` in the order in which data flows, and the only ones that import each library."""

ROOMS = [
    "codes", "errors", "problems", "exits", "writing", "durations", "secrets", "source", "suprsend", "tracing", "template", "project", "variables", "cases", "eventspec", "config", "lint", "run", "rows", "bulk", "workflows", "sandbox", "testing", "formatting", "importing", "doctor", "report",
    "pytest_plugin", "commands", "cli",
]  # fmt: skip
HOMES = {
    "yaml": {"source"},
    "jsonschema_rs": {"source"},
    "requests": {"suprsend"},
    "urllib3": {"suprsend"},
    "orjson": {"suprsend"},
    "jinja2": {"template", "eventspec"},
    "markupsafe": {"template"},
    "re2": {"template"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "h11": {"sandbox"},
    "pyarrow": {"rows"},
    "dask": {"bulk"},
    "distributed": {"bulk"},
    "duckdb": {"rows"},
    "fsspec": {"rows"},
    "jq": {"workflows"},
    "_gojsonnet": {"workflows"},
    "vcr": {"testing"},
    "rich": {"report"},
    "opentelemetry": {"tracing"},
    "packaging": {"doctor"},
    "pytest": {"pytest_plugin"},
    "typer": {"cli"},
}
