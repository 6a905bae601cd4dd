"""In place of the library's OSError: the guard around what loads models, and the diagnosis that it raises.

    with guard():
        AutoModel.from_pretrained("meta-llama/Meta-Llama-3-8B-Instruct")

Nothing is patched when this is imported, and no library is imported by it: what a notebook has imported is patched
while a guard is open, what it imports later is patched then, and all of it is put back when the last guard closes.
"""

from resolver.guarding.diagnosis import Diagnosis, diagnosis_of
from resolver.guarding.session import guard, install, uninstall

__all__ = ["Diagnosis", "diagnosis_of", "guard", "install", "uninstall"]
