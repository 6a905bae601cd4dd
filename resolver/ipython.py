"""`%load_ext resolver`: the guard for the whole session, and the diagnosis under the traceback.

A front end that shows HTML (Jupyter, VS Code, Kaggle, Colab) gets the diagnosis as a piece of a page, with the text
beside it for what shows none; in a terminal the message is the diagnosis, and nothing is added.

What it does not know: what went wrong (`guarding` does), and IPython itself, which is never imported here.
"""

from typing import Any, Final

from resolver.guarding import Diagnosis, diagnosis_of, install, uninstall

EVENT: Final = "post_run_cell"
NAME: Final = "resolver_extension"


class _Extension:
    """What is registered with one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def after_cell(self, result: Any) -> None:
        """Show the diagnosis that the cell's error carries, under its traceback."""
        error = getattr(result, "error_in_exec", None)
        found = diagnosis_of(error)
        if found is None:
            return
        if self._has_front_end():
            self._shell.display_pub.publish(data={"text/plain": found.text, "text/html": _page(found)}, metadata={})
        elif found.text not in str(error) and not _shows_notes(self._shell):
            print(found.text)  # noqa: T201 - the session's own output, where its tracebacks leave notes out

    def _has_front_end(self) -> bool:
        """Whether a kernel runs this shell, so that there is something that shows HTML."""
        return getattr(self._shell, "kernel", None) is not None


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext resolver` with the running InteractiveShell."""
    install()
    if NAME not in vars(shell):
        extension = _Extension(shell)
        shell.events.register(EVENT, extension.after_cell)
        vars(shell)[NAME] = extension


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext resolver`: everything is as before."""
    uninstall()
    extension = vars(shell).pop(NAME, None)
    if extension is not None:
        shell.events.unregister(EVENT, extension.after_cell)


def _page(found: Diagnosis) -> str:
    from resolver.report.fragment import render_fragment  # noqa: PLC0415 - only where there is bad news

    return render_fragment(
        f"{found.call}({found.asked!r})",
        not_found=found.not_found,
        findings=found.findings,
        trail=found.trail,
        says=found.says,
    )


def _shows_notes(shell: Any) -> bool:
    """Whether the shell's tracebacks show the notes of an exception: IPython does from 8.6 on."""
    import sys  # noqa: PLC0415

    release = sys.modules.get(type(shell).__module__.partition(".")[0])
    version = getattr(release, "version_info", (0,))
    return tuple(version[:2]) >= (8, 6)
