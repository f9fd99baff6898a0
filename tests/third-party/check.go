package main

import (
	"fmt"
	"os"
)

var failed bool

// check prints the outcome of one check and remembers whether any failed.
func check(name string, holds bool) {
	word := "ok"
	if !holds {
		word, failed = "not ok", true
	}
	fmt.Println(word, name)
}

// finish ends the program: the exit code is 1 if any check failed.
func finish() {
	if failed {
		os.Exit(1)
	}
}

// read gives a file's bytes; without them nothing can be checked.
func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return data
}
