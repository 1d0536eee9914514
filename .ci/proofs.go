// Verifies the checkpoints and proofs of the logs that the Rust tests leave in target/records, with the packages
// that verify Go's own checksum database. Changed ones have to be refused.
package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const fewestEntries = 10

// hashes are those of the tree, by the index that tlog stores them at.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		read[i] = h[index]
	}
	return read, nil
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("sumdb: ")
	folder := os.Args[1]
	files, err := filepath.Glob(filepath.Join(folder, "*.entry.json"))
	if err != nil || len(files) < fewestEntries {
		log.Fatalf("%d entries in %s, fewer than %d: run `cargo test`", len(files), folder, fewestEntries)
	}
	known := verifier(folder)
	var stored hashes
	for index, file := range files {
		more, err := tlog.StoredHashes(int64(index), []byte(read(file)), stored)
		must(file, err)
		stored = append(stored, more...)
		size := index + 1
		path := filepath.Join(folder, fmt.Sprintf("%02d.checkpoint", size))
		root, err := tlog.TreeHash(int64(size), stored)
		must(path, err)
		if checkpoint(path, read(path), known) != (tlog.Tree{N: int64(size), Hash: root}) {
			log.Fatalf("%s: this is not the checkpoint of these entries", path)
		}
	}
	for index, file := range files {
		checkProof(filepath.Join(folder, fmt.Sprintf("%02d.tlog-proof", index)), read(file), int64(index), known)
	}
	recorded := filepath.Join(folder, "ledger")
	path := filepath.Join(recorded, "checkpoint")
	checkpoint(path, read(path), verifier(recorded))
	fmt.Printf("sumdb: %d checkpoints and proofs verify, and no changed one\n", len(files))
}

// checkProof verifies a C2SP tlog-proof of an entry, with the checkpoint in it.
func checkProof(path, entry string, index int64, known note.Verifier) {
	head, signed, found := strings.Cut(read(path), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", index) {
		log.Fatalf("%s: its first lines are not those of the proof of entry %d", path, index)
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(path, err)
		proof = append(proof, hash)
	}
	tree := checkpoint(path, signed, known)
	must(path, tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry))))
	if tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash([]byte(entry+" "))) == nil {
		log.Fatalf("%s: it proves another entry, too", path)
	}
}

// checkpoint verifies a checkpoint's signature, and that a changed one has none.
func checkpoint(path, text string, known note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(text), note.VerifierList(known))
	must(path, err)
	if _, err := note.Open([]byte(strings.Replace(text, "\n\n", "\nmore\n\n", 1)), note.VerifierList(known)); err == nil {
		log.Fatalf("%s: the signature matches another text", path)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != known.Name() {
		log.Fatalf("%s: its text is not an origin, a size and a root", path)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(path, err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(path, err)
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}
}

func verifier(folder string) note.Verifier {
	path := filepath.Join(folder, "log.vkey")
	known, err := note.NewVerifier(read(path))
	must(path, err)
	return known
}

func read(path string) string {
	text, err := os.ReadFile(path)
	must(path, err)
	return string(text)
}

func must(path string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", path, err)
	}
}
