"""`otoscope models`: get a pretrained model from the hub, list, verify and remove those in the store."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from otoscope.core.protocols import Progress
    from otoscope.recognizers.checkpoints.record import StoredModel

MEGABYTE = 1_000_000

Name = Annotated[str, typer.Argument(help="Its name on the hub, as openai/whisper-tiny; @REVISION may follow.")]
Store = Annotated[
    Path | None, typer.Option(help="Folder of the models; by default OTOSCOPE_MODELS, else the user's cache folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add the group of verbs to the command line."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Pretrained models: get, list, check, remove."
    )
    for verb in (get, list, verify, remove):
        group.command()(verb)
    app.add_typer(group, name="models")


def get(
    name: Name,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag, commit or pull request (refs/pr/7); main by default.")
    ] = None,
    language: Annotated[
        builtins.list[str] | None, typer.Option(help="Adapter of a language to get besides; may be repeated.")
    ] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a model from the Hugging Face hub; no other command reaches the network.

    The revision is pinned to a commit, only descriptions, tokenizer and safetensors are fetched, and every hash is
    checked. Interrupted, the same command goes on where it stopped. HF_ENDPOINT names another hub, HF_TOKEN opens
    gated models.
    """
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.recognizers.checkpoints import models

    with progress_bar(f"{name}, megabytes") as bar:
        model = models.get(name, revision=revision, languages=language or (), store=store, progress=_megabytes(bar))
    if as_json:
        print_json(_told(model))
    else:
        size = f"{model.size / MEGABYTE:.1f} MB, {_licence(model)}"
        print(f"{model.name} at commit {model.commit[:7]}, {size}: {model.folder}")


def list(store: Store = None, as_json: AsJson = False) -> None:
    """List the models in the store: commit, kind, size, licence, and when each was fetched."""
    from otoscope.cli.printing import print_json, print_table
    from otoscope.recognizers.checkpoints import models
    from otoscope.recognizers.checkpoints.store import store_folder

    found = models.list(store=store)
    if as_json:
        print_json([_told(model) for model in found])
    elif not found:
        print(f"no models in {store_folder(store)}; otoscope models get NAME fetches one")
    else:
        cells = [
            (
                m.name,
                ", ".join(name if name != m.commit else "–" for name in m.revisions),
                m.commit[:7],
                m.model_type,
                m.size / MEGABYTE,
                _licence(m),
                m.fetched[:10],
            )
            for m in found
        ]
        header = ["name", "revision", "commit", "kind", "MB", "licence", "fetched"]
        print_table(header, [[f"{c:.1f}" if isinstance(c, float) else str(c) for c in row] for row in cells])


def verify(
    name: Annotated[str | None, typer.Argument(help="Which model, as openai/whisper-tiny; all by default.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Read the files of the models in the store again and compare their hashes.

    The exit code is 1 if one of them is damaged; `otoscope models get` mends it.
    """
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.recognizers.checkpoints import models

    with progress_bar("megabytes verified") as bar:
        verdicts = models.verify(name, store=store, progress=_megabytes(bar))
    if as_json:
        print_json([{"intact": verdict.intact, **_fields(verdict)} for verdict in verdicts])
    else:
        for verdict in verdicts:
            print(f"{verdict.name} at commit {verdict.commit[:7]}: {'; '.join(verdict.problems) or 'intact'}")
        print(f"{len(verdicts)} models, {sum(not verdict.intact for verdict in verdicts)} damaged")
    if not all(verdict.intact for verdict in verdicts):
        raise typer.Exit(1)


def remove(
    name: Name,
    revision: Annotated[str | None, typer.Option(help="Only this one; every one by default.")] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Delete a model from the store, what of it was fetched by half, and what was made from it."""
    from otoscope.cli.printing import print_json
    from otoscope.recognizers.checkpoints import models

    gone = models.remove(name, revision=revision, store=store)
    if as_json:
        print_json([_told(model) for model in gone])
    for model in () if as_json else gone:
        print(f"removed {model.name} at commit {model.commit[:7]}, {model.size / MEGABYTE:.1f} MB")
    if not (gone or as_json):
        print(f"removed what was fetched by half of {name}")


def _megabytes(bar: Progress | None) -> Progress | None:
    return None if bar is None else lambda done, total: bar(done // MEGABYTE, -(-total // MEGABYTE))


def _licence(model: StoredModel) -> str:
    return model.licence or "no licence stated"


def _told(model: StoredModel) -> dict[str, Any]:
    return {**_fields(model), "size": model.size, "fetched": model.fetched}


def _fields(found: Any) -> dict[str, Any]:
    import dataclasses

    return {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
