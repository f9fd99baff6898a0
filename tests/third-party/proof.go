package main

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const header = "c2sp.org/tlog-proof@v1\n"

// head is what a checkpoint says, once its signature verified.
type head struct {
	size int64
	root tlog.Hash
}

func open(text []byte, verifier note.Verifier) (head, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return head{}, errors.New("not origin, size and root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size, root}, err
}

// proof is a tlog-proof@v1: where an entry stands, the hashes that lead to the root, and whose root.
type proof struct {
	index  int64
	hashes []tlog.Hash
	head   head
}

func parse(text string, verifier note.Verifier) (proof, error) {
	if !strings.HasPrefix(text, header) {
		return proof{}, errors.New("another header")
	}
	body, checkpoint, found := strings.Cut(text[len(header):], "\n\n")
	if !found {
		return proof{}, errors.New("no checkpoint")
	}
	lines := strings.Split(body, "\n")
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	var p proof
	var err error
	if p.index, err = strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64); err != nil {
		return proof{}, err
	}
	if p.hashes, err = hashes(lines[1:]); err != nil {
		return proof{}, err
	}
	p.head, err = open([]byte(checkpoint), verifier)
	return p, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}

func (p proof) holds(entry []byte) bool {
	return tlog.CheckRecord(p.hashes, p.head.size, p.head.root, p.index, tlog.RecordHash(entry)) == nil
}
