package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"kejitong/provider/keys"
)

// keysCommand is what an operator does to keys.
func keysCommand(ctx context.Context, args []string, out io.Writer) error {
	return choose(ctx, "keys", []command{
		{"root", "make the root key, once for an installation: --out FILE", keysRoot},
		{"list", "list the keys in the database: --config FILE", keysList},
		{"rotate", "rotate signing | sealing | digests | root: let new keys take over: --config FILE", keysRotate},
	}, args, out)
}

// keysRoot writes a new root key. It never replaces a file: what the key of an
// installation has sealed cannot be opened by another.
func keysRoot(_ context.Context, args []string, out io.Writer) error {
	f := flags("keys root", out)
	path := f.String("out", "", "file to write, which must not exist")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *path == "" {
		return missing("out", "the file for the key")
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	file, err := os.OpenFile(*path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return refuse("out", *path, "exists; what is sealed with a root key opens with no other, so nothing is overwritten")
	}
	if err != nil {
		return refuse("out", *path, "cannot be written: "+cause(err))
	}
	_, err = file.WriteString(encodeKey(key) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(refuse("out", *path, "cannot be written: "+cause(err)), os.Remove(*path))
	}
	_, err = fmt.Fprintf(out, "root key written to %s; keep a copy apart from the database's backups\n", *path)
	return err
}

// keyReport is what the commands print of a key: everything but the key.
type keyReport struct {
	Kid         string         `json:"kid"`
	Purpose     keys.Purpose   `json:"purpose"`
	Algorithm   keys.Algorithm `json:"algorithm,omitempty"`
	State       keys.State     `json:"state"`
	CreatedAt   string         `json:"created_at"`
	ActivatedAt string         `json:"activated_at,omitempty"`
	RetiredAt   string         `json:"retired_at,omitempty"`
	Sealed      int64          `json:"sealed,omitempty"`  // values that this key opens
	Digests     int64          `json:"digests,omitempty"` // digests and MACs under it that are kept
}

func keysList(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("keys list", out)
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error { return printKeys(ctx, a, f) })
}

func printKeys(ctx context.Context, a *app, f *sheet) error {
	rows, err := a.db.Keys(ctx)
	if err != nil {
		return err
	}
	counts, err := a.db.SealedUnder(ctx)
	if err != nil {
		return err
	}
	list := []keyReport{}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PURPOSE\tALGORITHM\tSTATE\tKID\tMADE\tACTIVE SINCE\tRETIRED\tVALUES")
	for _, k := range rows {
		digests, err := a.db.DigestsUnder(ctx, k.Purpose, k.Number)
		if err != nil {
			return err
		}
		list = append(list, keyReport{k.Kid, k.Purpose, k.Algorithm, k.State, rfc3339(k.CreatedAt), rfc3339(k.ActivatedAt), rfc3339(k.RetiredAt), counts[k.Kid], digests})
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Purpose, k.Algorithm, k.State, k.Kid, day(k.CreatedAt), day(k.ActivatedAt), day(k.RetiredAt), valuesText(k, counts[k.Kid]+digests))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.print(list, text.String())
}

func keysRotate(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("keys rotate: say what: signing, sealing, digests or root (kejitong keys rotate help)")
	}
	return choose(ctx, "keys rotate", []command{
		{"signing", "let the next signing keys take over: --config FILE [--emergency]", rotateSigning},
		{"sealing", "seal everything at rest under new keys: --config FILE", rotateSealing},
		{"digests", "make blind indexes and the MACs of mandates and grants anew under new keys: --config FILE", rotateDigests},
		{"root", "change the root key: --to FILE, then with the new one --confirm (or --abandon): --config FILE", rotateRoot},
	}, args, out)
}

func rotateSigning(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("keys rotate signing", out)
	emergency := f.Bool("emergency", false, "rotate although relying parties may not know the next keys yet")
	if err := f.read(args); err != nil {
		return err
	}
	return inVault(ctx, f.config, func(a *app) error {
		if err := a.ring.Prepare(ctx); err != nil {
			return err
		}
		if !*emergency {
			rows, err := a.db.Keys(ctx)
			if err != nil {
				return err
			}
			if at := ripe(rows); now().Before(at) {
				return fmt.Errorf("the next signing keys are published since less than a day, and relying parties may not know them: rotate after %s (Beijing time), or with --emergency", day(at.Add(time.Minute)))
			}
		}
		if err := a.ring.RotateSigning(ctx, "operator"); err != nil {
			return err
		}
		if *emergency { // a key that must not be trusted any more leaves the JWKS at once
			if err := a.ring.Tend(ctx, a.cfg.Keys.RotateAfter, -time.Second); err != nil {
				return err
			}
		}
		return printKeys(ctx, a, f)
	})
}

// ripe is when all next signing keys have been published long enough.
func ripe(rows []keys.Row) time.Time {
	var at time.Time
	for _, k := range rows {
		if k.Purpose == keys.Sign && k.State == keys.Next && k.CreatedAt.Add(keys.PublishedFor).After(at) {
			at = k.CreatedAt.Add(keys.PublishedFor)
		}
	}
	return at
}
