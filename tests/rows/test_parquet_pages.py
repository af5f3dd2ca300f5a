"""What a Parquet file unpacks to, by the headers of its pages."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from runner.rows.parquet_pages import measure_footer, measure_pages
from runner.rows.row import BrokenFileError


def written(column: pa.Array, **options: object) -> tuple[io.BytesIO, pq.ColumnChunkMetaData]:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": column}), file, store_schema=False, **options)
    return file, pq.ParquetFile(file).metadata.row_group(0).column(0)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
def test_pages_are_measured_as_they_were_before_they_were_packed(version: str, compression: str) -> None:
    texts = pa.array([f"text {number % 100}" for number in range(5_000)])
    file, chunk = written(texts, data_page_version=version, compression=compression, data_page_size=1_000)
    pages = measure_pages(file, chunk.dictionary_page_offset, chunk.total_compressed_size)
    assert (pages.values, pages.has_prefixes) == (5_000, False)
    assert pages.dictionary_bytes == sum(4 + len(f"text {number}") for number in range(100))
    assert pages.total_bytes < chunk.total_uncompressed_size  # that counts the headers too


def test_texts_that_are_stored_by_their_prefixes_are_known() -> None:
    encoding = {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
    file, chunk = written(pa.array(["a", "ab"]), **encoding)
    assert measure_pages(file, chunk.data_page_offset, chunk.total_compressed_size).has_prefixes


def test_a_footer_tells_how_many_columns_there_are() -> None:
    file, _ = written(pa.array([{"b": 1, "c": [2]}]))
    footer = measure_footer(file)
    assert footer is not None
    assert footer.elements == 6  # the root, a, b, c, and the two levels of its list
    assert measure_footer(io.BytesIO(b"PAR1")) is None
    assert measure_footer(io.BytesIO(b"\xff" * 20 + b"\x10\0\0\0PAR1")) is None


@given(st.binary(max_size=200))
def test_bytes_that_are_no_pages_are_damage(raw: bytes) -> None:
    try:
        measure_pages(io.BytesIO(raw), 0, len(raw))
    except BrokenFileError as error:
        assert str(error) == "the file is damaged"  # noqa: PT017 - bytes may happen to be pages
