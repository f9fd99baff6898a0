// Command tlog verifies a whole log with golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog:
// `tlog FOLDER` (see README.md). The library hashes, proves and checks; here are the paths and texts of C2SP only.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8   // of a tile, in levels of the tree: 256 hashes
	kept   = 500 // entries of which inclusion is proven from tiles, spread over the log
)

// folder is a log's tiles, as files; size is that of the checkpoint which they belong to. It can be told to alter one tile.
type folder struct {
	path string
	size int64
	flip *tlog.Tile
}

func (f folder) Height() int                         { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

// name is a tile's path by C2SP tlog-tiles, which does not write the height and says entries for data.
func name(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return filepath.Join("tile", strings.Replace(path, "data/", "entries/", 1))
}

// widest is how much of a tile there is at the folder's size.
func (f folder) widest(tile tlog.Tile) tlog.Tile {
	level := tile.L
	if level < 0 {
		level = 0
	}
	tile.W = 1 << height
	if left := f.size>>(height*level) - tile.N<<height; left < int64(tile.W) {
		tile.W = int(left)
	}
	return tile
}

// flipAt is where in a tile the byte is altered: in another place of every tile.
func (f folder) flipAt(tile tlog.Tile) int {
	return int(tile.N*37) % (f.widest(tile).W * tlog.HashSize)
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(f.path, name(f.widest(tile))))
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, errors.New("a short tile")
		}
		data = data[:tile.W*tlog.HashSize]
		if f.flip != nil && f.flip.L == tile.L && f.flip.N == tile.N {
			data[f.flipAt(tile)] ^= 1
		}
		all = append(all, data)
	}
	return all, nil
}

// entries reads a bundle of entries: each has its length before it, in two bytes.
func (f folder) entries(number int64) ([][]byte, error) {
	data, err := os.ReadFile(filepath.Join(f.path, name(f.widest(tlog.Tile{H: height, L: -1, N: number}))))
	var all [][]byte
	for len(data) > 0 && err == nil {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("a cut bundle")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		all, data = append(all, data[2:end]), data[end:]
	}
	return all, err
}

// rebuilt is the tree made again from the entries alone.
type rebuilt struct {
	entries [][]byte
	stored  []tlog.Hash
}

func (r *rebuilt) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(r.stored)) {
			return nil, errors.New("there is no such subtree")
		}
		found[i] = r.stored[index]
	}
	return found, nil
}

func (r *rebuilt) add(entry []byte) error {
	stored, err := tlog.StoredHashes(int64(len(r.entries)), entry, r)
	r.entries, r.stored = append(r.entries, entry), append(r.stored, stored...)
	return err
}

func rebuild(f folder) (*rebuilt, error) {
	tree := &rebuilt{}
	for number := int64(0); number<<height < f.size; number++ {
		entries, err := f.entries(number)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if err := tree.add(entry); err != nil {
				return nil, err
			}
		}
	}
	return tree, nil
}

func (r *rebuilt) root(size int64) tlog.Hash {
	root, err := tlog.TreeHash(size, r)
	if err != nil {
		return tlog.Hash{}
	}
	return root
}

func report(what string, holds bool) { check("x/mod/sumdb/tlog: "+what, holds) }

// everyTile compares the tiles with the tree, and sees that none can be altered unnoticed.
func everyTile(f folder, tree *rebuilt, top head) {
	tiles, same, caught := 0, 0, 0
	for level := 0; f.size>>(height*level) > 0; level++ {
		for number := int64(0); number<<height < f.size>>(height*level); number++ {
			tile := f.widest(tlog.Tile{H: height, L: level, N: number})
			tiles++
			wanted, err := tlog.ReadTileData(tile, tree)
			data, unread := f.ReadTiles([]tlog.Tile{tile})
			if err == nil && unread == nil && string(wanted) == string(data[0]) {
				same++
			}
			if refuted(f, tree, top, tile) {
				caught++
			}
		}
	}
	report(fmt.Sprintf("%d of %d hash tiles are those of the entries", same, tiles), tiles > 0 && same == tiles)
	report(fmt.Sprintf("one flipped byte is caught in %d of %d hash tiles", caught, tiles), caught == tiles)
}

// refuted tells whether a flipped byte in a tile is found out: by the library's reader of tiles, which does not hold every full tile
// against its parent (0.7.0), or by a proof that needs the byte, that of an entry beside it.
func refuted(f folder, tree *rebuilt, top head, tile tlog.Tile) bool {
	f.flip = &tile
	reader := tlog.TileHashReader(tlog.Tree{N: top.size, Hash: top.root}, f)
	if _, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(height*tile.L, tile.N<<height)}); err != nil {
		return true
	}
	beside := int64(f.flipAt(tile)/tlog.HashSize) ^ 1
	index := (tile.N<<height + beside) << (height * tile.L)
	if index >= top.size {
		index = top.size - 1
	}
	hashes, err := tlog.ProveRecord(top.size, index, reader)
	return err != nil || !proof{index, hashes, top}.holds(tree.entries[index])
}

// inclusion proves entries from the tiles alone, and sees that an altered entry has no proof.
func inclusion(f folder, tree *rebuilt, top head) {
	reader := tlog.TileHashReader(tlog.Tree{N: top.size, Hash: top.root}, f)
	step := top.size/kept + 1
	tried, proven, caught := 0, 0, 0
	for index := int64(0); index < top.size; index += step {
		tried++
		hashes, err := tlog.ProveRecord(top.size, index, reader)
		if err != nil {
			continue
		}
		p := proof{index, hashes, top}
		if p.holds(tree.entries[index]) {
			proven++
		}
		if !p.holds(flipped(tree.entries[index], int(index))) {
			caught++
		}
	}
	report(fmt.Sprintf("%d of %d entries are proven from tiles", proven, tried), tried > 0 && proven == tried)
	report(fmt.Sprintf("one flipped byte is caught in %d of %d entries", caught, tried), caught == tried)
}

func flipped(data []byte, at int) []byte {
	other := append([]byte(nil), data...)
	other[at%len(other)] ^= 1
	return other
}

// receipts checks the proofs that the log gave out, and altered ones.
func receipts(f folder, tree *rebuilt, verifier note.Verifier) {
	files, _ := filepath.Glob(filepath.Join(f.path, "proofs", "*"))
	good, tried, caught := 0, 0, 0
	for _, file := range files {
		text := string(read(file))
		p, err := parse(text, verifier)
		if err != nil || p.index >= int64(len(tree.entries)) {
			continue
		}
		entry := tree.entries[p.index]
		if p.holds(entry) && p.head.root == tree.root(p.head.size) {
			good++
		}
		try := func(refused bool) {
			tried++
			if refused {
				caught++
			}
		}
		try(!p.holds(flipped(entry, int(p.index))))
		try(!proof{p.index + 1, p.hashes, p.head}.holds(entry))
		for i := range p.hashes {
			other := append([]tlog.Hash(nil), p.hashes...)
			other[i][int(p.index)%tlog.HashSize] ^= 1
			try(!proof{p.index, other, p.head}.holds(entry))
		}
		_, err = parse(strings.Replace(text, "\n\n"+verifier.Name()+"\n", "\n\n"+verifier.Name()+"\n1", 1), verifier)
		try(err != nil)
	}
	report(fmt.Sprintf("%d of %d tlog-proofs verify", good, len(files)), len(files) > 0 && good == len(files))
	report(fmt.Sprintf("%d of %d altered tlog-proofs are refused", caught, tried), tried > 0 && caught == tried)
}

// history checks that every older checkpoint is of the same log, by proofs from tiles and, where the folder has them, the log's own.
func history(f folder, tree *rebuilt, verifier note.Verifier, top head) {
	heads := map[int64]head{}
	files, _ := filepath.Glob(filepath.Join(f.path, "checkpoints", "*"))
	for _, file := range files {
		if h, err := open(read(file), verifier); err == nil && h.root == tree.root(h.size) {
			heads[h.size] = h
		}
	}
	report(fmt.Sprintf("%d of %d older checkpoints are of the log's entries", len(heads), len(files)), len(heads) == len(files))
	reader := tlog.TileHashReader(tlog.Tree{N: top.size, Hash: top.root}, f)
	proven, caught := 0, 0
	for _, old := range heads {
		hashes, err := tlog.ProveTree(top.size, old.size, reader)
		if err == nil && tlog.CheckTree(hashes, top.size, top.root, old.size, old.root) == nil {
			proven++
		}
		other := old
		other.root[0] ^= 1
		if tlog.CheckTree(hashes, top.size, top.root, other.size, other.root) != nil {
			caught++
		}
	}
	report(fmt.Sprintf("%d of %d older checkpoints lead to this one by proofs from tiles", proven, len(heads)), proven == len(heads))
	report(fmt.Sprintf("one flipped byte is caught in %d of %d older roots", caught, len(heads)), caught == len(heads))
	if _, err := os.Stat(filepath.Join(f.path, "consistency")); err == nil {
		consistency(f, heads)
	}
}

// consistency checks the log's own proofs between older checkpoints, and altered ones.
func consistency(f folder, heads map[int64]head) {
	proofs, _ := filepath.Glob(filepath.Join(f.path, "consistency", "*-*"))
	good, tried, caught := 0, 0, 0
	for _, file := range proofs {
		var from, to int64
		if _, err := fmt.Sscanf(filepath.Base(file), "%d-%d", &from, &to); err != nil {
			continue
		}
		hashes, err := hashes(strings.Fields(string(read(file))))
		holds := func(hashes []tlog.Hash) bool {
			return tlog.CheckTree(hashes, to, heads[to].root, from, heads[from].root) == nil
		}
		if err == nil && holds(hashes) {
			good++
		}
		for i := range hashes {
			other := append([]tlog.Hash(nil), hashes...)
			other[i][int(from)%tlog.HashSize] ^= 1
			tried++
			if !holds(other) {
				caught++
			}
		}
	}
	report(fmt.Sprintf("%d of %d consistency proofs of the log verify", good, len(proofs)), len(proofs) > 0 && good == len(proofs))
	report(fmt.Sprintf("one flipped byte is caught in %d of %d of their hashes", caught, tried), tried > 0 && caught == tried)
}

// signature sees that no byte of a checkpoint can be altered.
func signature(text []byte, verifier note.Verifier) {
	signed := strings.Index(string(text), "\n\n")
	start := strings.LastIndex(string(text), " ") + 1
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text[start:])))
	if signed < 0 || err != nil {
		report("the checkpoint is a signed note", false)
		return
	}
	tried, caught := 0, 0
	try := func(other []byte) {
		tried++
		if _, err := open(other, verifier); err != nil {
			caught++
		}
	}
	for at := 0; at < signed; at++ {
		try(flipped(text, at))
	}
	for at := range raw {
		line := base64.StdEncoding.EncodeToString(flipped(raw, at)) + "\n"
		try(append(append([]byte(nil), text[:start]...), line...))
	}
	report(fmt.Sprintf("one flipped byte is caught in %d of %d places of the checkpoint", caught, tried), tried > 100 && caught == tried)
}

func main() {
	path := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(filepath.Join(path, "verifier")))))
	if err != nil {
		report("the log's verifier key reads", false)
		finish()
	}
	text := read(filepath.Join(path, "checkpoint"))
	top, err := open(text, verifier)
	report("the checkpoint's signature verifies", err == nil)
	f := folder{path, top.size, nil}
	tree, err := rebuild(f)
	if err != nil || int64(len(tree.entries)) != top.size || top.size == 0 {
		report(fmt.Sprintf("the log has the %d entries that its checkpoint says", top.size), false)
		finish()
	}
	report(fmt.Sprintf("the root of %d entries is the checkpoint's", top.size), tree.root(top.size) == top.root)
	signature(text, verifier)
	everyTile(f, tree, top)
	inclusion(f, tree, top)
	receipts(f, tree, verifier)
	history(f, tree, verifier, top)
	finish()
}
