"""Verifies a whole log with aics-tlog: `tlog.py FOLDER` (see README.md). Needs Python 3.12, as the library does."""

import sys
from base64 import b64decode
from pathlib import Path

import aics_tlog as tlog
from aics_tlog.note import b64_decode, b64_encode
from aics_tlog.tiles import entry_bundle_path, materialise_tiles, tile_path
from aics_tlog.verified import audit_tiles
from check import check, finish

HEADER = "c2sp.org/tlog-proof@v1"
SPREAD = 100  # entries of which inclusion is proven from tiles


def report(what: str, holds: bool) -> None:
    check(f"aics-tlog: {what}", holds)


def opened(text: str, key):
    """Size and root of a checkpoint whose signature verifies, else nothing."""
    try:
        head = tlog.verify_checkpoint(tlog.parse_note(text), key, expected_origin=key.name)
    except ValueError:
        return None
    return (head.size, head.root) if head.ok else None


def proven(text: str, key):
    """Index, hashes, size and root of a tlog-proof@v1 whose checkpoint's signature verifies, else nothing."""
    head, _, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if first != HEADER or not (signed := opened(checkpoint, key)):
        return None
    lines = [line for line in lines if not line.startswith("extra ")]
    word, _, index = lines[0].partition(" ")
    return (int(index), [b64_decode(line) for line in lines[1:]], *signed) if word == "index" else None


def flipped(data: bytes, at: int) -> bytes:
    other = bytearray(data)
    other[at % len(other)] ^= 1
    return bytes(other)


class Flipped(tlog.MemoryTileReader):
    """The same tiles, one byte of one altered."""

    def __init__(self, tiles: dict[str, bytes], path: str, at: int) -> None:
        super().__init__(tiles | {path: flipped(tiles[path], at)})


def every_byte_of_the_checkpoint(text: str, key) -> None:
    signed = text.index("\n\n")
    line = text.rindex(" ") + 1
    raw = b64decode(text[line:])
    forms = [flipped(text.encode(), at) for at in range(signed)]
    forms += [(text[:line] + b64_encode(flipped(raw, at)) + "\n").encode() for at in range(len(raw))]
    caught = 0
    for form in forms:
        try:
            caught += opened(form.decode(), key) is None
        except UnicodeDecodeError:
            caught += 1
    report(f"one flipped byte is caught in {caught} of {len(forms)} places of the checkpoint", caught == len(forms) > 100)


def files(folder: Path, size: int, root: bytes) -> list[bytes]:
    """The tiles as they lie there, checked; gives the entries."""
    tiles = {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "tile").rglob("*") if path.is_file()}
    bundles = range((size + 255) // 256)
    paths = [entry_bundle_path(i, size % 256 if i == size // 256 else None) for i in bundles]
    entries = [entry for path in paths for entry in tlog.tiles.parse_entry_bundle(tiles[path])]
    report(f"the log has the {size} entries that its checkpoint says", len(entries) == size)
    report("the root of the entries is the checkpoint's", tlog.MerkleTree(entries).root() == root)
    made = materialise_tiles(entries)
    # A live log may still serve narrower tiles of smaller sizes: they say no more than the wide one does.
    same = [path for path in made if tiles.get(path) == made[path]]
    report(f"{len(same)} of {len(made)} tiles, made again from the entries, are byte for byte those there", len(same) == len(made) > 0)
    audit = audit_tiles(tlog.MemoryTileReader(tiles), size, root)
    report(f"{audit.tiles} hash tiles and {audit.bundles} bundles of entries lead to the root", audit.bundles == len(bundles))
    spread = sorted(made)
    places = {*spread[:: len(spread) // 6 + 1], paths[-1], *(path for path in spread if path.startswith(("tile/1/", "tile/2/")))}
    caught = 0
    for at, path in enumerate(places):
        try:
            audit_tiles(Flipped(tiles, path, 1009 * at + 40), size, root)
        except tlog.TileVerificationError:
            caught += 1
    report(f"one flipped byte is caught in {caught} of {len(places)} tiles and bundles", caught == len(places))
    return entries


def inclusion(folder: Path, entries: list[bytes], size: int, root: bytes) -> None:
    reader = tlog.FileSystemTileReader(folder)
    spread = range(0, size, size // SPREAD + 1)
    proofs = {i: tlog.inclusion_proof_from_tiles(reader, i, size) for i in spread}
    good = sum(tlog.verify_leaf_inclusion(entries[i], i, size, proof, root) for i, proof in proofs.items())
    report(f"{good} of {len(proofs)} entries are proven from tiles", good == len(proofs) > 0)
    bad = sum(tlog.verify_leaf_inclusion(flipped(entries[i], i), i, size, proof, root) for i, proof in proofs.items())
    report(f"one flipped byte is caught in {len(proofs) - bad} of {len(proofs)} entries", bad == 0)


def receipts(folder: Path, entries: list[bytes], key) -> None:
    paths = sorted((folder / "proofs").glob("*"))
    good, tried, caught = 0, 0, 0
    for path in paths:
        text = path.read_text()
        if not (proof := proven(text, key)):
            continue
        index, hashes, size, root = proof
        good += tlog.verify_leaf_inclusion(entries[index], index, size, hashes, root)
        outcomes = [tlog.verify_leaf_inclusion(flipped(entries[index], index), index, size, hashes, root)]
        outcomes.append(tlog.verify_leaf_inclusion(entries[index], index + 1, size, hashes, root))
        for i, hash_ in enumerate(hashes):
            other = [*hashes[:i], flipped(hash_, index), *hashes[i + 1 :]]
            outcomes.append(tlog.verify_leaf_inclusion(entries[index], index, size, other, root))
        outcomes.append(proven(text.replace(f"\n\n{key.name}\n", f"\n\n{key.name}\n1"), key) is not None)
        tried += len(outcomes)
        caught += outcomes.count(False)
    report(f"{good} of {len(paths)} tlog-proofs verify", good == len(paths) > 0)
    report(f"{caught} of {tried} altered tlog-proofs are refused", caught == tried > 0)


def history(folder: Path, size: int, root: bytes, key) -> None:
    reader = tlog.FileSystemTileReader(folder)
    older = list((folder / "checkpoints").glob("*"))
    heads = dict(filter(None, (opened(path.read_text(), key) for path in older)))
    good = bad = 0
    for old, old_root in heads.items():
        proof = tlog.consistency_proof_from_tiles(reader, old, size, size)
        good += tlog.verify_consistency(old, size, old_root, root, proof)
        bad += tlog.verify_consistency(old, size, flipped(old_root, old), root, proof)
    report(f"{good} of {len(older)} older checkpoints lead to this one by proofs from tiles", good == len(older))
    report(f"one flipped byte is caught in {len(heads) - bad} of {len(heads)} older roots", bad == 0)
    if (folder / "consistency").exists():
        consistency(folder, heads)


def consistency(folder: Path, heads: dict[int, bytes]) -> None:
    good, tried, caught = 0, 0, 0
    paths = list((folder / "consistency").glob("*-*"))
    for path in paths:
        old, new = map(int, path.name.split("-"))
        proof = [b64_decode(line) for line in path.read_text().split()]
        ends = heads.get(old, b""), heads.get(new, b"")
        good += tlog.verify_consistency(old, new, *ends, proof)
        for i, hash_ in enumerate(proof):
            other = [*proof[:i], flipped(hash_, old), *proof[i + 1 :]]
            tried += 1
            caught += not tlog.verify_consistency(old, new, *ends, other)
    report(f"{good} of {len(paths)} consistency proofs of the log verify", good == len(paths) > 0)
    report(f"one flipped byte is caught in {caught} of {tried} of their hashes", caught == tried > 0)


def main() -> None:
    folder = Path(sys.argv[1])
    key = tlog.parse_vkey((folder / "verifier").read_text().strip())
    text = (folder / "checkpoint").read_text()
    head = opened(text, key)
    report("the checkpoint's signature verifies", head is not None)
    if head is None:
        finish()
    every_byte_of_the_checkpoint(text, key)
    size, root = head
    entries = files(folder, size, root)
    inclusion(folder, entries, size, root)
    receipts(folder, entries, key)
    history(folder, size, root, key)
    finish()


main()
