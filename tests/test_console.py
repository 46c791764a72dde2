import io
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from lcbench import console

printable = st.text().map(lambda text: "".join(c for c in text if c.isprintable()))
brackets = st.text(alphabet="[]/\\=:ab red", max_size=12)


def printed(text):
    with console.out.capture() as capture:
        console.out.print(text, soft_wrap=True, end="")
    return capture.get()


@given(st.one_of(printable, brackets))
def test_text_from_outside_is_shown_as_it_is(text):
    assume("\\" not in text)  # rich's own escape loses or doubles one where no tag follows
    assert printed(console.escape(text)) == text


@given(st.text())
def test_nothing_from_outside_steers_the_terminal(text):
    shown = console.escape(text)
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert printed(console.escape("\x1b[2J\x07\r\x9b")).isprintable()


@pytest.fixture(params=[False, True], ids=["piped", "terminal"])
def screen(request, monkeypatch):
    file = io.StringIO()
    shown = Console(
        file=file, force_terminal=request.param, width=200, emoji=False, highlight=False
    )
    monkeypatch.setattr(console, "err", shown)
    return file


def test_progress_says_what_is_done_and_how_much_even_of_odd_names(screen):
    with console.progress("Predicting [/a]", 1234) as advance:
        advance(1000)
        advance(234)
    assert "Predicting [/a]" in screen.getvalue()
    assert "1,234" in screen.getvalue() or "1234/1234" in screen.getvalue()


def test_progress_inside_another_says_how_the_work_goes(screen):
    with console.progress("Fitting", 2) as advance:
        with console.telling_progress("Training [/a]", 30) as tell:
            tell(10, "epoch 1 of 3, loss 0.7")
            tell(20, "epoch 3 of 3, loss [0.1]")
            time.sleep(0.3)  # a terminal is drawn ten times a second
        advance(2)
    shown = screen.getvalue()
    assert "Training [/a]" in shown
    assert "epoch 3 of 3, loss [0.1]" in shown
    assert "Fitting" in shown


def test_progress_lets_errors_through(screen):
    with pytest.raises(ZeroDivisionError), console.progress("Dividing", 1):
        1 / 0  # noqa: B018
    assert "Dividing" in screen.getvalue()
    assert "done" not in screen.getvalue()


def test_a_warning_shows_its_text_as_it_is(screen):
    console.warn("[bold]3[/bold] images\x1b[31m")
    assert "[bold]3[/bold] images" in screen.getvalue()
