"""Files in the layouts of MALD, BALDEY and AELP."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput
from otoscope.listener.fitting.published import read_aelp, read_baldey, read_mald

MALD_ITEMS = (
    "Item\tWAV\tPronunciation\tIsWord\tStressPattern\tNumSylls\tNumPhones\tDuration\tPhonND\tPOS\tFreqSUBTLEX\tPhonUP"
    "\tPhonLev\n"
    '"cat"\t"cat.wav"\t"K AE1 T"\tTRUE\t"1"\t1\t3\t480\t28\t"Noun"\t3383\t4\t5.2\n'
    '"blick"\t"blick.wav"\t"B L IH1 K"\tFALSE\t"1"\t1\t4\t550\t9\tNA\tNA\t4\t5.6\n'
)
MALD_RESPONSES = (
    "Subject\tItem\tTrial\tRT\tACC\tWordRunLength\n"
    '15351\t"cat"\t1\t812\tTRUE\t0\n15351\t"blick"\t2\t1020\tFALSE\t1\n16854\t"blick"\t1\t990\tTRUE\t0\n'
)
BALDEY = (
    "subject session trial word word_status response RT RTprev Nphonemes word_duration\n"
    "1 1 1 fiets word correct 903 - 4 512\n1 1 2 spoem pseudoword incorrect 1210 903 5 634\n"
    "2 1 1 fiets word correct -1 - 4 512\n"
)
AELP = (
    "word_us,n_phon,us_ldt_acc,us_ldt_acc_n,us_ldt_zrt_m,us_ldt_zrt_sd,us_ldt_zrt_n,us_ldt_zrtmdur_m\n"
    "abandon,7,1,66,-0.677,0.554,65,-0.300\nabdomen,7,0.866,67,-0.514,0.621,56,0.105\nable,4,0.98,66,NA,0.518,62,NA\n"
    "absorb,6,0.95,67,-0.263,0.748,64,-0.179\n"
)


def written(folder, text, name="data.txt"):
    (folder / name).write_text(text)
    return folder / name


def test_mald(tmp_path):
    made = read_mald(written(tmp_path, MALD_RESPONSES), written(tmp_path, MALD_ITEMS, "items.txt"))
    assert made.items == ("blick", "cat")
    assert made.is_word.tolist() == [False, True]
    assert made.duration_s.tolist() == [0.55, 0.48]
    assert made.rt_s.tolist() == [0.812, 1.02, 0.99]
    assert made.correct.tolist() == [True, False, True]
    assert made.previous_rt_s[1] == 0.812
    assert len(made.answered()) == 1
    assert len(made.answered(words=False)) == 1


def test_mald_with_items_in_the_responses_and_names_of_rows(tmp_path):
    text = "Subject\tItem\tRT\tACC\tIsWord\tDuration\n"
    text += "1\t15351\tcat\t812\tcorrect\tTRUE\t480\n2\t15351\tblick\t1020\tincorrect\tFALSE\t550\n"
    made = read_mald(written(tmp_path, text))
    assert made.items == ("blick", "cat")
    assert made.correct.tolist() == [True, False]


@pytest.mark.parametrize("column", ["Subject", "Item", "RT", "ACC"])
def test_a_missing_column_of_mald_is_named(tmp_path, column):
    text = MALD_RESPONSES.replace(column, "Other", 1)
    with pytest.raises(BadFormat, match=f"no column {column}"):
        read_mald(written(tmp_path, text), written(tmp_path, MALD_ITEMS, "items.txt"))


def test_what_mald_does_not_know(tmp_path):
    with pytest.raises(BadFormat, match="'blick', which"):
        read_mald(
            written(tmp_path, MALD_RESPONSES), written(tmp_path, MALD_ITEMS.replace("blick", "brick"), "items.txt")
        )
    with pytest.raises(BadFormat, match=r"row 1: RT must be a number, got 'fast'"):
        read_mald(written(tmp_path, MALD_RESPONSES.replace("812", "fast")), written(tmp_path, MALD_ITEMS, "items.txt"))
    with pytest.raises(BadFormat, match="no column IsWord"):
        read_mald(written(tmp_path, MALD_RESPONSES))


def test_baldey(tmp_path):
    path = written(tmp_path, BALDEY)
    made = read_baldey(path)
    assert made.items == ("fiets", "spoem")
    assert made.n_unanswered == 1
    assert made.is_word.tolist() == [True, False]
    assert made.rt_s.tolist() == [0.903, 1.21]
    assert made.previous_rt_s[1] == 0.903
    assert np.isnan(made.previous_rt_s[0])
    assert read_baldey(path, measured_from="offset").rt_s[0] == pytest.approx(0.903 + 0.512)
    with pytest.raises(BadFormat, match="no column word_duration"):
        read_baldey(written(tmp_path, BALDEY.replace("word_duration", "length")))


def test_baldey_with_blanks_at_ends_and_trials_without_an_answer(tmp_path):
    silent = "2 1 2 spoem pseudoword - 1890 903 5 634\n"
    made = read_baldey(written(tmp_path, (BALDEY + silent).replace("\n", "  \n")))
    assert made.rt_s.tolist() == [0.903, 1.21, 1.89]
    assert made.correct.tolist() == [True, False, False]
    with pytest.raises(BadFormat, match="word_status must say yes or no"):
        read_baldey(written(tmp_path, BALDEY + silent.replace("pseudoword", "-")))


def test_aelp(tmp_path):
    path = written(tmp_path, AELP, "aelp.csv")
    made = read_aelp(path)
    assert made.items[1] == "abdomen"
    assert made.is_word.all()
    assert made.z_rt[0] == -0.677
    assert made.z_rt_after_duration[1] == 0.105
    assert np.isnan(made.z_rt[2])
    assert 0 < made.reliability() < 1
    with pytest.raises(BadFormat, match="no column uk_ldt_acc"):
        read_aelp(path, dialect="uk")
    with pytest.raises(BadInput, match="us, uk, sg"):
        read_aelp(path, dialect="au")
    nonwords = read_aelp(written(tmp_path, AELP.replace("word_us", "nonword"), "nonwords.csv"))
    assert not nonwords.is_word.any()
