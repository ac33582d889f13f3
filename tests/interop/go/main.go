// Verifies with golang.org/x/mod what a node of the exchange signs: a checkpoint, that an entry is in the log, and that an
// older checkpoint is a prefix of it. Reads one case, JSON, from standard input; exit code 1 says what is refused.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Case is what the Rust test writes; bytes are base64.
type Case struct {
	Key         string   // verifier key, name+id+base64
	Checkpoint  []byte   // signed note
	Index       int64    // of the entry
	Entry       []byte   // its bytes
	Inclusion   [][]byte // leaf to root
	Old         []byte   // signed note of an older checkpoint
	Consistency [][]byte // from Old to Checkpoint
}

// open verifies a note, and reads the lines that every checkpoint has (C2SP tlog-checkpoint).
func open(msg []byte, verifiers note.Verifiers, name string) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(msg, verifiers)
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 || lines[0] != name {
		return tree, errors.New("not a checkpoint of " + name)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, errors.New("not a root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func hashes(list [][]byte) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(list))
	for i, one := range list {
		if len(one) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d has %d bytes", i, len(one))
		}
		copy(out[i][:], one)
	}
	return out, nil
}

func verify(c Case) error {
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	verifiers := note.VerifierList(verifier)
	tree, err := open(c.Checkpoint, verifiers, verifier.Name())
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	inclusion, err := hashes(c.Inclusion)
	if err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	if err := tlog.CheckRecord(inclusion, tree.N, tree.Hash, c.Index, tlog.RecordHash(c.Entry)); err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	old, err := open(c.Old, verifiers, verifier.Name())
	if err != nil {
		return fmt.Errorf("old checkpoint: %w", err)
	}
	consistency, err := hashes(c.Consistency)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	if err := tlog.CheckTree(consistency, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	fmt.Printf("verified: entry %d of %d, %d entries before\n", c.Index, tree.N, old.N)
	return nil
}

func main() {
	var c Case
	err := json.NewDecoder(os.Stdin).Decode(&c)
	if err == nil {
		err = verify(c)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
