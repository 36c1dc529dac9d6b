"""A bundle is taken only as the plant signed it, and nothing in it leaves its folder."""

import hashlib
import io
import subprocess
import tarfile

import pytest

from backend.records import UserError
from backend.release import bundle, signing, wheels
from tests.unit.release import conftest as made

NAMES = (bundle.SUMS, bundle.SIGNATURE, bundle.MANIFEST, "install.sh", "wheels/small.whl")


@pytest.fixture
def signers(plant, tmp_path):
    path = tmp_path / "signers"
    path.write_text(signing.signer_line(plant.public))
    return path


def members(path):
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers()}


def packed(path, files, kinds=()):
    """A tar of these; kinds: name → another type of member."""
    with tarfile.open(path, "w") as tar:
        for name, content in [*files.items(), *kinds]:
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = content
                tar.addfile(member)
    return path


def signed(files, key):
    """The files with a list and a signature that fit them."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    listed = "".join(f"{value}  {name}\n" for name, value in sums.items()).encode()
    return {bundle.SUMS: listed, bundle.SIGNATURE: signing.sign(listed, key), **files}


def taken(path, signers, folder):
    with bundle.opened(path, signers) as opened:
        opened.unpack(folder)
    return opened.manifest


def test_what_was_put_in_comes_out(bundled, signers, tmp_path):
    manifest = taken(bundled(2), signers, tmp_path / "out")
    assert manifest == made.described(2)
    assert manifest.release == "0.2.0-0000000002"
    assert (tmp_path / "out/install.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out/wheels/small.whl").read_text() == "zip"
    bundle.check_fits(manifest)


def test_whoever_unpacks_by_hand_can_check_with_openssh_and_coreutils(bundled, signers, tmp_path):
    with tarfile.open(bundled(2)) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    script = (
        f"ssh-keygen -Y verify -f {signers} -I plant -n defect-distillery -s SHA256SUMS.sig "
        "< SHA256SUMS && sha256sum -c SHA256SUMS"
    )
    subprocess.run(script, shell=True, check=True, cwd=tmp_path / "out", capture_output=True)


@pytest.mark.parametrize("name", NAMES)
def test_one_changed_byte_anywhere_is_refused(bundled, signers, tmp_path, name):
    files = members(bundled(2))
    files[name] = files[name][:-3] + bytes([files[name][-3] ^ 1]) + files[name][-2:]
    changed = packed(tmp_path / "changed.tar", files)
    with pytest.raises(UserError):
        taken(changed, signers, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_refused(bundled, signers, tmp_path, name):
    files = {key: value for key, value in members(bundled(2)).items() if key != name}
    with pytest.raises(UserError):
        taken(packed(tmp_path / "less.tar", files), signers, tmp_path / "out")


def test_a_file_that_nobody_signed_is_refused(bundled, signers, tmp_path):
    files = members(bundled(2)) | {"backend/more.py": b"print()"}
    with pytest.raises(UserError, match=r"not what was signed: 'backend/more\.py'"):
        taken(packed(tmp_path / "more.tar", files), signers, tmp_path / "out")


def test_another_key_and_another_purpose_are_refused(bundled, plant, signers, tmp_path):
    files = members(bundled(2))
    other = made.made_key(tmp_path / "other")
    by_other = files | {bundle.SIGNATURE: signing.sign(files[bundle.SUMS], other.key)}
    with pytest.raises(UserError, match="not signed with this plant's key"):
        taken(packed(tmp_path / "other.tar", by_other), signers, tmp_path / "out")
    for_mail = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", plant.key, "-n", "file"],
        input=files[bundle.SUMS],
        capture_output=True,
        check=True,
    ).stdout
    with pytest.raises(UserError, match="not signed with this plant's key"):
        taken(
            packed(tmp_path / "mail.tar", files | {bundle.SIGNATURE: for_mail}),
            signers,
            tmp_path / "out",
        )


@pytest.mark.parametrize(
    "name",
    ["../outside", "/outside", "a/../../outside", "./outside", "a//b", "a\\..\\b", "..", "c:x"],
)
def test_a_signed_name_that_leaves_the_folder_is_refused(plant, signers, tmp_path, name):
    files = {bundle.MANIFEST: made.rewritten(made.described(2)), name: b"x"}
    path = packed(tmp_path / "evil.tar", signed(files, plant.key))
    with pytest.raises(UserError, match="no plain file below its folder"):
        taken(path, signers, tmp_path / "in" / "out")
    assert not (tmp_path / "in").exists() and not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "kind", [(tarfile.SYMTYPE, "/etc"), (tarfile.LNKTYPE, "install.sh"), (tarfile.CHRTYPE, "")]
)
def test_links_and_devices_are_refused(bundled, signers, tmp_path, kind):
    path = packed(tmp_path / "links.tar", members(bundled(2)), [("link", kind)])
    with pytest.raises(UserError, match="no plain file"):
        taken(path, signers, tmp_path / "out")


def test_a_name_that_is_there_twice_is_refused(bundled, signers, tmp_path):
    files = members(bundled(2))
    path = packed(tmp_path / "twice.tar", files, [("install.sh", b"other")])
    with pytest.raises(UserError, match="there twice"):
        taken(path, signers, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_what_is_no_bundle_is_refused_in_a_sentence(signers, tmp_path, content):
    path = tmp_path / "file.tar"
    path.write_bytes(content)
    with pytest.raises(UserError, match="bundle"):
        taken(path, signers, tmp_path / "out")


def test_other_computers_are_told_what_to_do(monkeypatch):
    manifest = made.described(2)
    monkeypatch.setattr(bundle, "here", lambda: ("3.99", manifest.platform))
    with pytest.raises(UserError, match=r"PYTHON=python3\.\d+ \./install\.sh"):
        bundle.check_fits(manifest)
    monkeypatch.setattr(bundle, "here", lambda: (manifest.python, "linux-riscv64"))
    with pytest.raises(UserError, match="this computer is linux-riscv64"):
        bundle.check_fits(manifest)


def test_a_release_whose_name_is_no_folder_is_refused(plant, signers, tmp_path):
    manifest = made.described(2)
    files = {bundle.MANIFEST: made.rewritten(manifest).replace(b'"0.2.0"', b'"../../x"')}
    with pytest.raises(UserError, match="no name of a folder"):
        taken(packed(tmp_path / "x.tar", signed(files, plant.key)), signers, tmp_path / "out")


def test_a_key_may_sign_bundles_and_nothing_else(plant, tmp_path):
    line = signing.signer_line(plant.public)
    assert line.startswith('plant namespaces="defect-distillery" ssh-ed25519 ')
    assert len(line.split()) == 4, "no comment, no option"
    for text in ("", "cert-authority ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----\nAA"):
        (tmp_path / "bad.pub").write_text(text)
        with pytest.raises(UserError, match="no public key"):
            signing.signer_line(tmp_path / "bad.pub")


def test_a_bundle_that_cannot_be_signed_leaves_no_file(plant, tmp_path):
    (tmp_path / "a").write_text("a")
    target = tmp_path / "made" / "one.tar"
    target.parent.mkdir()
    for key, words in ((tmp_path / "none", "There is no key"), (tmp_path / "a", "cannot sign")):
        with pytest.raises(UserError, match=words):
            bundle.write(target, {"a": tmp_path / "a"}, made.described(2), key)
    assert list(target.parent.iterdir()) == []


def test_the_source_is_what_git_knows_without_tests_and_storage():
    names = wheels.source_files()
    assert {"install.sh", "app.py", "docs/operating.md", "requirements.txt"} <= set(names)
    assert "backend/detection/pretrained/detector.safetensors" in names, "weights of our own"
    assert not [name for name in names if name.startswith(("tests/", "storage/"))]
    assert all(bundle.is_safe(name) for name in names)
