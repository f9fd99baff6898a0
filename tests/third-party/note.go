// Command note verifies receipts with golang.org/x/mod/sumdb/note:
// `note accept|refuse FOLDER` (see README.md).
package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func report(what string, holds bool) { check("x/mod/sumdb/note: "+what, holds) }

func verifies(receipt []byte, verifier note.Verifier) bool {
	opened, err := note.Open(receipt, note.VerifierList(verifier))
	return err == nil && len(opened.Sigs) == 1 && len(opened.UnverifiedSigs) == 0
}

// altered counts one up in the receipt's last digit before the signature: another index.
func altered(receipt []byte) []byte {
	other := append([]byte(nil), receipt...)
	end := bytes.Index(other, []byte("\n\n"))
	if end < 1 {
		return nil
	}
	other[end-1] = '0' + (other[end-1]-'0'+1)%10
	return other
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
		if !wanted {
			report(name+" is refused", !verifies(receipt, verifier))
			continue
		}
		report(name+" verifies", verifies(receipt, verifier))
		other := altered(receipt)
		report(name+" with another index is refused", other != nil && !verifies(other, verifier))
	}
	finish()
}
