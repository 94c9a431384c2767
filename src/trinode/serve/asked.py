"""What may be asked for: the bodies of requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
Value = float | int | bool | str
Positions = Annotated[list[Annotated[list[float], Field(max_length=3)]], Field(max_length=2**16)]
Given = dict[str, Any] | str
"""A network or decision: an object of arrays by their names in files, or a file in base64."""


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Draw(_Asked):
    """A random network."""

    system: str = "latency"
    seed: Whole = 0
    trial: Whole = 0
    params: dict[str, Value] = Field({}, max_length=100, description="Parameters that differ from their defaults.")
    terminal_position_m: Positions | None = None
    ap_position_m: Positions | None = None


class Solve(_Asked):
    """A decision for a network."""

    network: Given
    scheme: str = Field("", description="The system's default where empty.")
    bound: bool = Field(True, description="Whether to compute what no decision can beat.")


class Evaluate(_Asked):
    """The judge's word on a decision."""

    network: Given
    decision: Given
    bound: bool = True


class Bound(_Asked):
    """What no decision for a network can beat."""

    network: Given


class Explore(Draw):
    """What the page shows: a drawn network, one on bundled channels, or a file's, and a scheme."""

    scheme: str = ""
    bound: bool = True
    channels: str = Field("", description="Name of bundled channels; of them ``trial`` is the layout.")
    file: str = Field("", description="A network's file in base64.")
    file_name: str = Field("network.npz", max_length=200, description="What the file is called, for the Python code.")
    times: dict[str, Annotated[float, Field(gt=0, lt=1e9)]] = Field(
        {}, max_length=100, description="Arrays of the file's network, and what they are multiplied with."
    )


What = Literal["network", "decision"]
