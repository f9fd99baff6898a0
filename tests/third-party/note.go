// Command note verifies receipts with golang.org/x/mod/sumdb/note and tlog:
// `note accept|refuse FOLDER` (see README.md).
package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func report(what string, holds bool) { check("x/mod/sumdb/note: "+what, holds) }

// verifies tells whether the log vouches for the entry: by a proof, or by a note of before there was a tree, which names no entry.
func verifies(receipt []byte, entry func() []byte, verifier note.Verifier) bool {
	if strings.HasPrefix(string(receipt), header) {
		p, err := parse(string(receipt), verifier)
		return err == nil && p.holds(entry())
	}
	opened, err := note.Open(receipt, note.VerifierList(verifier))
	return err == nil && len(opened.Sigs) == 1 && len(opened.UnverifiedSigs) == 0
}

var place = regexp.MustCompile(`(?m)^index [0-9]+$`)

// altered names another index, by one more digit.
func altered(receipt []byte) []byte {
	return place.ReplaceAll(receipt, []byte("${0}1"))
}

func main() {
	wanted, folder := os.Args[1] == "accept", os.Args[2]
	files, err := filepath.Glob(filepath.Join(folder, "*", "receipt"))
	report(filepath.Base(folder)+" holds receipts", err == nil && len(files) > 0)
	for _, file := range files {
		name := filepath.Join(filepath.Base(folder), filepath.Base(filepath.Dir(file)))
		verifier, err := note.NewVerifier(strings.TrimSpace(string(read(filepath.Join(filepath.Dir(file), "verifier")))))
		if err != nil {
			report(name+" has a verifier key", false)
			continue
		}
		receipt := read(file)
		entry := func() []byte { return read(filepath.Join(filepath.Dir(file), "entry")) }
		if !wanted {
			report(name+" is refused", !verifies(receipt, entry, verifier))
			continue
		}
		report(name+" verifies", verifies(receipt, entry, verifier))
		other := altered(receipt)
		report(name+" with another index is refused", !bytes.Equal(other, receipt) && !verifies(other, entry, verifier))
	}
	finish()
}
