"""Public studies: fetched from a server of our own, converted, kept and checked; or read from a folder."""

import gzip
import hashlib
from dataclasses import replace

import pandas as pd
import pytest

import scalefit as sf
from file_server import (
    cache as cache,  # a fixture
    serving,
)
from scalefit.datasets import STUDIES
from scalefit.datasets.download import fetch_tidy
from scalefit.datasets.registry import Origin, Part, Study
from scalefit.datasets.storage import sha256_of
from shared_data import FOLDER, shared

PUBLIC = [(study, part) for study in STUDIES.values() if not study.bundled for part in study.parts]
FETCHED = [(study, part) for study, part in PUBLIC if part.origins]
ids = {"ids": lambda value: value.name}
every_public_part = pytest.mark.parametrize(("study", "part"), PUBLIC, **ids)
every_fetched_part = pytest.mark.parametrize(("study", "part"), FETCHED, **ids)

PUBLISHED = b"N,L\n1e9,2.5\n2e9,2.25\n"
TIDY = b"params,loss\n1000000000.0,2.5\n2000000000.0,2.25\n"


def sha(content):
    return hashlib.sha256(content).hexdigest()


def tidied(table):
    return pd.DataFrame({"params": table["N"].astype(float), "loss": table["L"].astype(float)})


def study_at(url, *, origin_sha256=None, tidy_sha256=None, convert=tidied, file="runs.csv"):
    """A study of two runs whose file is at a URL."""
    origins = (Origin(url, origin_sha256),)
    part = Part("runs", file, 2, "two runs", tidy_sha256 or sha(TIDY), origins, convert)
    return Study("tiny", (part,), "CC0-1.0", "Nobody 2020", "example.org/tiny")


def fetched(study):
    return fetch_tidy(study, study.parts[0])


def test_a_study_is_fetched_converted_and_kept(cache):
    with serving(runs__csv=PUBLISHED) as server:
        study = study_at(server.url(), origin_sha256=sha(PUBLISHED))
        path = fetched(study)
        assert path == cache / "tiny" / "runs.csv"
        assert path.read_bytes() == TIDY
        assert fetched(study) == path
        assert server.asked == ["/runs.csv"]


def test_what_was_fetched_is_not_fetched_again_for_another_part(cache):
    with serving(runs__csv=PUBLISHED) as server:
        study = study_at(server.url())
        fetched(study)
        first = study.parts[0]
        other = replace(first, name="more", file="more.csv.gz")
        path = fetch_tidy(study, other)
        assert gzip.decompress(path.read_bytes()) == TIDY
        assert sha256_of(path) == sha(TIDY)
        assert len(server.asked) == 1


def test_load_reads_the_tidy_table_and_says_whose_it_is(cache, monkeypatch):
    with serving(runs__csv=PUBLISHED) as server:
        study = study_at(server.url())
        monkeypatch.setitem(STUDIES, "tiny", study)
        assert sf.datasets.list_datasets().available["tiny", "runs"] == "can be fetched"
        runs = sf.datasets.load("tiny")
        assert sf.datasets.list_datasets().available["tiny", "runs"] == "fetched before"
    assert runs.to_dict("list") == {"params": [1e9, 2e9], "loss": [2.5, 2.25]}
    citation, licence, source = runs.attrs["scalefit_notes"][-3:]
    assert citation == "tiny: Nobody 2020"
    assert licence == "licence: CC0-1.0"
    assert source.startswith(
        f"fetched from {study.parts[0].origins[0].url} and converted; the sha256 of the published "
    )
    assert "its commit alone is pinned" in source


def test_a_known_hash_is_not_said_to_be_unknown(cache, monkeypatch):
    with serving(runs__csv=PUBLISHED) as server:
        monkeypatch.setitem(STUDIES, "tiny", study_at(server.url(), origin_sha256=sha(PUBLISHED)))
        source = sf.datasets.load("tiny").attrs["scalefit_notes"][-1]
    assert source.endswith("and converted; the tidy table has its sha256")


def left_in(cache):
    return [path.name for path in cache.rglob("*") if path.is_file()]


def test_a_file_of_another_hash_is_refused_and_not_kept(cache):
    with serving(runs__csv=PUBLISHED + b"3e9,2.1\n") as server:
        study = study_at(server.url(), origin_sha256=sha(PUBLISHED))
        with pytest.raises(sf.DataError, match=f"should be {sha(PUBLISHED)[:16]}.*nothing of it was kept"):
            fetched(study)
    assert left_in(cache) == []


def test_a_file_that_makes_another_table_is_refused_and_not_kept(cache):
    refused = pytest.raises(sf.DataError, match=r"does not make the table 'runs'.*should be")
    with serving(runs__csv=PUBLISHED.replace(b"2.25", b"2.26")) as server, refused:
        fetched(study_at(server.url()))
    assert left_in(cache) == []


@pytest.mark.parametrize("body", [b"", b"N;L\n", b"\x80\xff", b"N,L\n1e9,two\n", b'N,L\n"1e9,2'])
def test_a_file_that_cannot_be_converted_is_refused_and_not_kept(cache, body):
    refused = pytest.raises(sf.DataError, match="does not make the table 'runs' that this version of scalefit knows")
    with serving(runs__csv=body) as server, refused:
        fetched(study_at(server.url()))
    assert left_in(cache) == []


def test_a_file_that_is_cut_off_is_refused_and_not_kept(cache):
    with serving(runs__csv=(PUBLISHED[:12], len(PUBLISHED))) as server:
        study = study_at(server.url())
        with pytest.raises(sf.DataError, match="could not be fetched") as raised:
            fetched(study)
    assert left_in(cache) == []
    assert str(cache / "tiny" / "origin") in str(raised.value)


def test_a_file_that_is_gone_is_one_clear_error(cache):
    with serving() as server:
        study = study_at(server.url("gone.csv"))
        with pytest.raises(sf.DataError, match=r"gone\.csv could not be fetched into .*404"):
            fetched(study)


def test_without_a_network_the_error_says_what_to_download_and_where_to_put_it(cache):
    with serving() as server:
        url = server.url()
    study = study_at(url)  # nobody answers any more
    with pytest.raises(sf.DataError) as raised:
        fetched(study)
    message = str(raised.value)
    (place,) = [path for path in [cache / "tiny" / "origin" / study.parts[0].origins[0].file] if str(path) in message]
    assert url in message
    assert "Or set SCALEFIT_DATA to a folder with the tidy table tiny/runs.csv, and no network is used." in message
    place.write_bytes(PUBLISHED)  # as the message says
    assert fetched(study).read_bytes() == TIDY


def test_a_spoilt_copy_in_the_cache_is_made_again(cache):
    with serving(runs__csv=PUBLISHED) as server:
        study = study_at(server.url(), origin_sha256=sha(PUBLISHED))
        path = fetched(study)
        path.write_bytes(TIDY[:-3])
        assert fetched(study).read_bytes() == TIDY
        assert len(server.asked) == 1
        (cache / "tiny" / "origin" / study.parts[0].origins[0].file).write_bytes(b"spoilt")
        path.unlink()
        assert fetched(study).read_bytes() == TIDY
        assert len(server.asked) == 2


def test_a_cache_that_cannot_be_written_is_one_clear_error(cache):
    cache.write_text("a file, not a folder")
    with serving(runs__csv=PUBLISHED) as server, pytest.raises(sf.DataError, match="could not be fetched into"):
        fetched(study_at(server.url()))


def test_without_pooch_the_error_says_what_to_install(cache, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(sf.DataError, match=r"pip install 'scalefit\[datasets\]'"):
        fetched(study_at("http://127.0.0.1:9/runs.csv"))
    assert "after pip install" in sf.datasets.list_datasets().available["chinchilla_besiroglu", "runs"]


def test_without_pooch_and_a_cache_a_table_in_the_folder_still_loads(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv("SCALEFIT_CACHE", raising=False)
    monkeypatch.setenv("SCALEFIT_DATA", str(tmp_path))
    monkeypatch.setitem(STUDIES, "tiny", study_at("http://127.0.0.1:9/runs.csv"))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "runs.csv").write_bytes(TIDY)
    assert len(sf.datasets.load("tiny")) == 2


def test_nothing_is_fetched_where_a_folder_is_said(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("SCALEFIT_DATA", str(tmp_path / "data"))
    with serving(runs__csv=PUBLISHED) as server:
        monkeypatch.setitem(STUDIES, "tiny", study_at(server.url()))
        with pytest.raises(sf.DataError, match="SCALEFIT_DATA is set, so nothing is fetched") as raised:
            sf.datasets.load("tiny")
        assert str(tmp_path / "data" / "tiny" / "runs.csv") in str(raised.value)
        assert "unset SCALEFIT_DATA to fetch it from example.org/tiny" in str(raised.value)
        assert server.asked == []
    assert sf.datasets.list_datasets().available["tiny", "runs"] == "no: not in SCALEFIT_DATA"


def test_a_table_in_the_folder_that_is_not_the_one_meant_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("SCALEFIT_DATA", str(tmp_path))
    monkeypatch.setitem(STUDIES, "tiny", study_at("http://127.0.0.1:9/runs.csv"))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "runs.csv").write_bytes(TIDY.replace(b"\n", b"\r\n"))
    with pytest.raises(sf.DataError, match=r"is not the table 'runs'.*sf\.read_runs\("):
        sf.datasets.load("tiny")


@pytest.mark.parametrize("name", ["data_constrained", "parscale", "xlstm_vs_llama", "olmo_ladder"])
def test_a_study_without_a_plain_file_is_read_from_the_folder_only(name, monkeypatch):
    monkeypatch.delenv("SCALEFIT_DATA", raising=False)
    with pytest.raises(sf.DataError, match=f"{name} cannot be fetched: its .* set SCALEFIT_DATA to that folder"):
        sf.datasets.load(name)
    assert sf.datasets.list_datasets().available[name, "runs"] == "no: only through SCALEFIT_DATA"


@every_fetched_part
def test_every_origin_is_one_plain_file_at_a_commit(study, part):
    assert part.convert is not None
    for origin in part.origins:
        host, _owner, _repository, commit, *_path = origin.url.removeprefix("https://").split("/")
        assert host == "raw.githubusercontent.com"
        assert len(commit) == 40
        assert int(commit, 16)
        assert origin.url.endswith((".csv", ".csv.gz", ".parquet"))
    assert len({origin.file for origin in part.origins}) == len(part.origins)


@every_public_part
def test_every_part_can_be_fetched_or_says_why_not(study, part):
    assert bool(part.origins) != bool(part.kept)
    assert len(part.sha256) == 64
    assert study.licence
    assert study.citation
    assert study.home


def test_the_list_shows_what_there_is():
    listed = sf.datasets.list_datasets()
    assert list(listed) == ["about", "rows", "licence", "citation", "home", "available"]
    assert listed.notna().all(axis=None)
    assert listed.index.is_unique
    assert len(listed) == len(PUBLIC) + 4


@every_public_part
def test_a_table_of_the_folder_is_the_one_of_the_registry(study, part, monkeypatch):
    shared(f"{study.name}/{part.file}")
    monkeypatch.setenv("SCALEFIT_DATA", str(FOLDER))
    runs = sf.datasets.load(study.name, part=part.name)
    assert len(runs) == part.rows
    assert "licence: " + study.licence in runs.attrs["scalefit_notes"]
    assert sf.datasets.list_datasets().available[study.name, part.name] == "in SCALEFIT_DATA"


def test_nothing_is_unpickled(cache):
    """A pickle in the place of a table is text that is no table."""
    refused = pytest.raises(sf.DataError, match="does not make the table")
    with serving(runs__csv=b"cos\nsystem\n(S'false'\ntR.") as server, refused:
        fetched(study_at(server.url()))
