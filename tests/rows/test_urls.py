"""Which URLs are read, and what is shown of one."""

from __future__ import annotations

import pytest

from runner.errors import UsageError
from runner.rows.urls import check_url, is_url, masked

CREDENTIALS = "credentials come from the environment, as for the AWS command line: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
EXPECTED = "expected s3:// or gs://"
DOWNLOAD = "download it first, or pipe it: curl -fsS URL | runner send … --rows -"
PLAIN = "give the path without a scheme"
NO_QUERY = "a URL of a file has no query string, which may hold a secret"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/orders.csv",
        "s3://bucket/exports/",
        "s3://bucket",
        "s3://bucket/2026-??/part-?.csv",
        "s3://bucket/year=202?/month=*/a.parquet",
        "s3://bucket/us@er=a:b/#1 + ü.csv",
        "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/exports/orders.csv",
        "gs://bucket/orders.csv",
    ],
)
def test_a_url_with_a_bucket_is_read_and_shown_as_it_is(url: str) -> None:
    check_url(url)
    assert is_url(url)
    assert masked(url) == url


@pytest.mark.parametrize("path", ["orders.csv", "./s3:/x", "/a:b/c.csv", "-", "C:/orders.csv", "://x"])
def test_a_path_is_no_url(path: str) -> None:
    assert not is_url(path)
    assert masked(path) == path


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("file:///etc/passwd", "file:///etc/passwd: file:// is not supported", PLAIN),
        ("local://orders.csv", "local://orders.csv: local:// is not supported", PLAIN),
        ("memory://orders.csv", "memory://orders.csv: memory:// is not supported", EXPECTED),
        ("S3://bucket/a.csv", "S3://bucket/a.csv: S3:// is not supported", EXPECTED),
        ("simplecache::s3://b/a.csv", "simplecache::s3://b/a.csv: simplecache::s3:// is not supported", EXPECTED),
        ("https://e.com/a.csv?signature=S3CR3T", "https://e.com/a.csv?…: https:// is not supported", DOWNLOAD),
        ("https://me:S3CR3T@e.com/a.csv", "https://…: https:// is not supported", DOWNLOAD),
        (
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.169.254/latest/meta-data: http:// is not supported",
            DOWNLOAD,
        ),
        ("s3://KEY:S3CR3T@bucket/a.csv", "s3://…: a URL must not contain credentials", CREDENTIALS),
        ("s3://KEY:S3C/R3T@bucket/a.csv", "s3://…: a URL must not contain credentials", CREDENTIALS),
        ("s3://S3CR3T@bucket/a.csv", "s3://…: a URL must not contain credentials", CREDENTIALS),
        ("s3://b/a.csv?X-Amz-Signature=S3CR3T", f"s3://b/a.csv?…: {NO_QUERY}", "name the bucket and the file: s3://BUCKET/FILE"),
        ("s3://b/a.csv?versionId=x", f"s3://b/a.csv?…: {NO_QUERY}", "name the bucket and the file: s3://BUCKET/FILE"),
        ("s3:///a.csv", "s3:///a.csv: a URL must name a bucket", "s3://BUCKET/FOLDER/*.csv"),
        ("s3://exports-*/a.csv", "s3://exports-*/a.csv: a URL must name a bucket", "s3://BUCKET/FOLDER/*.csv"),
    ],
)  # fmt: skip
def test_another_url_is_refused_without_its_secret(url: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    [problem] = caught.value.problems
    assert (problem.message, problem.hint) == (f"--rows {message}", hint)
    assert "S3C" not in str(caught.value)
