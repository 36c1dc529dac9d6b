"""A plant's signature under a bundle: OpenSSH's `ssh-keygen -Y sign` and `-Y verify`."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from backend.records import UserError

NAMESPACE = "defect-distillery"  # a signature made for another purpose does not count
SIGNER = "plant"
KEY_TYPES = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")


def sign(text: bytes, key: Path) -> bytes:
    """The signature, as ssh-keygen writes it. key: a private one, or a public one whose private
    half the agent holds. Raises UserError where that does not work."""
    if not key.is_file():
        raise UserError(
            f"There is no key {key}. Make the plant's once: ssh-keygen -t ed25519 -f {key}"
        )
    done = _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, text=text)
    if done.returncode != 0:
        raise UserError(f"{key} cannot sign: {_last_line(done.stderr)}")
    return done.stdout


def verify(text: bytes, signature: bytes, signers: Path) -> None:
    """Raises UserError unless one of the signers signed exactly this text for this purpose.

    signers: a file of lines as `signer_line` gives them (OpenSSH's ALLOWED SIGNERS).
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        asked = ("-I", SIGNER, "-n", NAMESPACE, "-f", str(signers), "-s", file.name)
        done = _ssh_keygen("-Y", "verify", *asked, text=text)
    if done.returncode != 0:
        raise UserError(
            "The bundle is not signed with this plant's key, or was changed since: "
            f"{_last_line(done.stderr + done.stdout)} Nothing was installed. "
            "Fetch it again from where it was made."
        )


def signer_line(public_key: Path) -> str:
    """The line that lets a public key sign bundles. Raises UserError where the file holds none.

    Type and key alone are taken: what else such a line can say would widen what it may sign.
    """
    try:
        words = public_key.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read the public key {public_key}: {error}") from error
    if len(words) < 2 or not words[0].startswith(KEY_TYPES):
        raise UserError(
            f"{public_key} is no public key of OpenSSH. Name the file that ends in .pub, "
            "which `ssh-keygen -t ed25519` writes beside the private one."
        )
    return f'{SIGNER} namespaces="{NAMESPACE}" {words[0]} {words[1]}\n'


def _ssh_keygen(*arguments: str, text: bytes) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UserError("ssh-keygen is missing. On Debian or Ubuntu: apt install openssh-client.")
    return subprocess.run([program, *arguments], input=text, capture_output=True, check=False)


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return (lines[-1].rstrip(".") if lines else "ssh-keygen gave no reason") + "."
