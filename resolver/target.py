"""Which machine is judged for: this one, one that was recorded, or a profile with an image's versions."""

from typing import TYPE_CHECKING

from resolver.errors import ConfigurationError
from resolver.host import HOST, Host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from resolver.accelerators import Profile


def target_host(
    here: Host,
    accelerator: str,
    own: "Mapping[str, Profile]",
    *,
    image: str | None = None,
    recorded: "Path | None" = None,
    told: str | None = None,
) -> Host:
    """The machine that is judged for.

    Args:
        here: this machine.
        accelerator: the profile's name; "host" for this machine, or the recorded one.
        own: the profiles of the settings.
        image: the day of a Kaggle image.
        recorded: what `resolver doctor --format json` wrote where the model will run; its versions come before an
            image's, its devices before this machine's.
        told: how the report names that file; None for its path.

    Raises:
        ConfigurationError: an unknown profile or day, a file that is no record, or both a file and a day.
    """
    if recorded is not None and image is not None:
        raise ConfigurationError("a recorded environment and the day of an image both say the versions; give one")
    host = here
    if recorded is not None:
        from resolver.recorded import read_machine  # noqa: PLC0415 - only where another machine is judged for

        host = read_machine(recorded)
        host = host.replaced(source=told or host.source)
    if accelerator == HOST and image is None:
        return host
    from resolver.accelerators import host_for  # noqa: PLC0415 - as above

    return host_for(host, accelerator, own, image)
