"""What explanations say of pathological features: by methods that pass, else as no evidence."""

from __future__ import annotations

from lcbench.rendering.explanation_answer import answer, nuclei_sentence

from .explained import checks


def test_methods_that_pass_speak_for_the_model() -> None:
    both = [checks("saliency", like=0.93, gain=-0.1), checks("grad-cam", like=0.2, gain=0.3)]
    said = " ".join(answer(both))
    assert said.startswith("Grad-CAM passes every check on this model. Grad-CAM: in right answers")
    assert "Grad-CAM cannot tell nuclei" in said
    assert "nuclei have more of the attribution than of the area (+" in said
    assert "source groups)" in said
    assert "saliency" not in said.lower()


def test_without_one_that_passes_nothing_is_shown_or_refuted() -> None:
    said = " ".join(answer([checks("saliency", like=0.93, gain=-0.1)]))
    assert said.startswith("No method passes every check on this model")
    assert "neither show nor refute" in said
    assert "nuclei" not in " ".join(answer([checks(stained=False)])).lower()


def test_confusions_are_held_beside_right_answers() -> None:
    tissue = checks().tissue
    assert tissue is not None
    said = nuclei_sentence(tissue)
    assert said.startswith("In right answers, nuclei have ")
    assert "this differs from right answers by " in said
