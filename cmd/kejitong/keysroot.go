package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kejitong/config"
	"kejitong/provider/keys"
)

// rootReport is what the change of the root key tells.
type rootReport struct {
	InForce string `json:"in_force"`
	Since   string `json:"since"`
	Former  string `json:"former,omitempty"` // accepted until the change is confirmed
}

// rotateRoot changes the root key in two steps, so that servers can be restarted
// one after the other with the new one in between.
func rotateRoot(ctx context.Context, args []string, out io.Writer) error {
	f := newSheet("keys rotate root", out)
	to := f.String("to", "", "file with the new root key, made by keys root: seal every key under it as well")
	confirm := f.Bool("confirm", false, "every server has the new root key: the one before opens nothing any more")
	abandon := f.Bool("abandon", false, "go back to the root key before, which the configuration names")
	if err := f.read(args); err != nil {
		return err
	}
	if (*to != "" && *confirm) || (*to != "" && *abandon) || *confirm == *abandon && *to == "" {
		return errors.New("name one of --to FILE, --confirm and --abandon")
	}
	return inVault(ctx, f.config, func(a *app) error {
		var err error
		switch {
		case *confirm:
			err = a.ring.ConfirmRoot(ctx, "operator")
		case *abandon:
			err = a.ring.AbandonRoot(ctx, "operator")
		default:
			err = changeRoot(ctx, a, *to)
		}
		if err != nil {
			return err
		}
		return printRoots(ctx, a, f)
	})
}

func changeRoot(ctx context.Context, a *app, file string) error {
	next, err := config.RootKeyFrom(file)
	if err != nil {
		return refuse("to", file, err.Error())
	}
	return a.ring.RotateRoot(ctx, next.Bytes(), "operator")
}

func printRoots(ctx context.Context, a *app, f *sheet) error {
	roots, err := a.db.Roots(ctx)
	if err != nil {
		return err
	}
	var report rootReport
	text := ""
	for _, r := range roots {
		if r.Former {
			report.Former = r.ID
			continue
		}
		report.InForce, report.Since = r.ID, rfc3339(r.Since)
		text = fmt.Sprintf("root key %s is in force\n", r.ID)
	}
	if report.Former != "" {
		text += fmt.Sprintf("root key %s opens the database as well, until the change is confirmed, and no new key is made until then\n"+
			"now put the new root key into keys.root_key_file of every server, restart them one after the other, keep a copy of it apart from the database's backups,\n"+
			"and then: kejitong keys rotate root --confirm --config FILE\n", report.Former)
	} else if report.InForce == keys.RootID(a.ring.Root) {
		text += "no other opens the database; older backups of it need the root key that they were made with\n"
	}
	return f.print(report, text)
}
