"""What commas and points in numbers mean."""

import pandas as pd
import pytest

import scalefit as sf
from scalefit.errors import DataError
from scalefit.runs.reading import read_file


def columns(frame):
    return {name: frame[name].tolist() for name in frame}


def test_decimal_commas_are_read_and_that_is_said(reading_of):
    reading = reading_of("run;loss;lr\na;3,14;1e-05\nb;2;0,001\n")
    assert columns(reading.frame) == {"run": ["a", "b"], "loss": [3.14, 2.0], "lr": [1e-5, 0.001]}
    assert "decimal commas read in columns 'loss' and 'lr': '3,14' is 3.14" in reading.notes


def test_three_digits_after_a_comma_are_decimals_where_the_comma_is_no_delimiter(reading_of):
    reading = reading_of("step;loss\n1;3,141\n2;3,022\n")
    assert columns(reading.frame)["loss"] == [3.141, 3.022]
    assert "decimal commas read in column 'loss': '3,141' is 3.141, not thousands" in reading.notes


def test_a_quoted_decimal_comma_is_read_where_it_can_be_nothing_else(frame_of):
    assert columns(frame_of('step,loss\n1,"3,14"\n2,"2,998"\n'))["loss"] == [3.14, 2.998]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('run,tokens\na,"1,234"\n', r"'1,234', probably with thousands.*read_csv\(.*sep=',', thousands=','\)\)"),
        ('run,tokens\na,"1,234,567"\n', r"'1,234,567', with thousands separators\. Write plain numbers; or, if commas"),
        ("run;tokens\na;1.234.567\n", r"'1\.234\.567', with .*points part thousands.*thousands='\.', decimal=','"),
        ("run;tokens\na;1.234,5\nb;7\n", r"'1\.234,5', with thousands separators.*thousands='\.', decimal=','"),
        (
            "lr;loss\n0.1;3,14\n0.2;3\n",
            r"'loss' has numbers such as '3,14', and other numbers .* Write points everywhere",
        ),
        (
            "lr;tokens\n0.1;3,141\n",
            r"'3,141', and other numbers of the file have points, so that the comma may mean either",
        ),
    ],
)
def test_thousands_separators_are_refused_with_what_to_type(reading_of, content, said):
    with pytest.raises(DataError, match=said):
        reading_of(content)


GERMAN = "run;params;loss\na;1.300;2,873\nb;12.500;2,5{}\n"


@pytest.mark.parametrize(("last", "said"), [("41", "likelier with sep=';', if points"), ("", "or, if points")])
def test_points_part_thousands_where_fields_are_not_parted_by_commas(tmp_path, last, said):
    path = tmp_path / "runs.csv"
    path.write_text(GERMAN.format(last))
    with pytest.raises(DataError, match=said) as raised:
        read_file(path)
    repair = str(raised.value).partition("if points part thousands: ")[2].rstrip(".")
    suggested, _, other = repair.partition("; but if ")
    frame = eval(suggested, {"sf": sf, "pd": pd})
    assert columns(frame)["params"] == [1300, 12500]
    assert columns(frame)["loss"] == [2.873, float("2.5" + last)]
    assert other.startswith("commas part thousands: sf.read_runs(pd.read_csv(") == bool(last)


@pytest.mark.parametrize("pointed", ["0.1", "2.8731", "1300.5"])
def test_points_that_part_no_thousands_are_never_said_to(reading_of, pointed):
    with pytest.raises(DataError, match="comma may mean either") as raised:
        reading_of(f"lr;loss\n{pointed};2,873\n1.5;3,141\n")
    assert "points part thousands" not in str(raised.value)


def test_what_is_suggested_for_thousands_works(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text('run,tokens\na,"1,234"\n')
    with pytest.raises(DataError) as raised:
        read_file(path)
    suggested = str(raised.value).partition("if commas part thousands: ")[2].rstrip(".")
    assert eval(suggested, {"sf": sf, "pd": pd})["tokens"].tolist() == [1234]


def test_commas_in_columns_that_are_no_known_quantity_are_left_alone_and_said(reading_of):
    reading = reading_of('run,widths,loss\na,"64,128",2.5\nb,"256,512",2\n')
    assert columns(reading.frame)["widths"] == ["64,128", "256,512"]
    assert any("'widths' has numbers such as '64,128'" in note and "left as text" in note for note in reading.notes)
